"""What errors of other libraries say, in sentences of ours."""


def first_line(error: Exception) -> str:
    """What an error says first, without its full stop; its kind where it says nothing."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
