"""Pictures that are blank: almost all of one colour, such as what a shop shows in place of a missing cover."""

from functools import reduce

from PIL import Image, ImageChops


def is_of_one_colour(image: Image.Image, share: float) -> bool:
    """Whether one colour has more than a share of the pixels of an RGB picture. Every pixel is counted.

    A colour of more than half of the pixels has, in each channel, the most frequent value of that channel: colours need
    not be counted or sorted, and most pictures are found sound by the histograms of their channels.

    Args:
        share: at least one half.
    """
    if share < 0.5:
        raise ValueError(f"share must be at least 0.5, not {share:g}")
    pixels = image.width * image.height
    places = []
    for band in image.getbands():
        channel = image.getchannel(band)
        counts = channel.histogram()
        most = max(counts)
        if most / pixels <= share:
            return False
        value = counts.index(most)
        places.append(channel.point([0] * value + [255] + [0] * (255 - value)))
    return reduce(ImageChops.darker, places).histogram()[255] / pixels > share
