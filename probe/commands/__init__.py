"""The commands of `probe`, by what they are about."""
