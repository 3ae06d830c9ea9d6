"""The two sets of captions of LLaVA, and its conversations on pictures of COCO, as their sites give them out."""

from pathlib import Path

from miniatures.files import write_json, write_picture

BUS, DOG = 33471, 52846
HELD_OUT = ("000001676", "GCC_train_000001977")
"""Of either set of captions, with the seed 0."""


def conversation(*said):
    return [{"from": ("human", "gpt")[n % 2], "value": text} for n, text in enumerate(said)]


def write(root: Path) -> None:
    pretrain = root / "llava_pretrain"
    write_json(
        pretrain / "blip_laion_cc_sbu_558k.json",
        [
            {
                "id": "004539375",
                "image": "00453/004539375.jpg",
                "conversations": conversation(
                    "Render a clear and concise summary of the photo.\n<image>",
                    "select luxury furniture 3 - inch Gel memory foam mattress topper",
                ),
            },
            {
                "id": "002239345",
                "image": "00223/002239345.jpg",
                "conversations": conversation("<image>\nWrite a terse but informative summary of the picture.", ""),
            },
            {
                "id": "005947502",
                "image": "00594/005947502.jpg",  # could not be fetched
                "conversations": conversation("What is this?\n<image>", "a grey watch with an army style strap"),
            },
            {
                "id": HELD_OUT[0],
                "image": f"00000/{HELD_OUT[0]}.jpg",
                "conversations": conversation(
                    "Give a brief description of the image.\n<image>", "café in the old town"
                ),
            },
        ],
    )
    write_json(
        pretrain / "blip_laion_cc_sbu_558k_meta.json",
        [{"id": "004539375", "image": "00453/004539375.jpg", "blip_caption": "a mattress", "url": "http://a.b/c.jpg"}],
    )
    write_picture(pretrain / "images" / "00453" / "004539375.jpg")
    write_picture(pretrain / "images" / "00223" / "002239345.jpg")
    write_picture(pretrain / "images" / "00000" / f"{HELD_OUT[0]}.jpg")
    cc3m = root / "llava_cc3m"
    write_json(
        cc3m / "chat.json",
        [
            {
                "id": "GCC_train_002582585",
                "image": "GCC_train_002582585.jpg",
                "conversations": conversation(
                    "<image>\nProvide a brief description of the given image.",
                    "olive oil is a healthy ingredient used liberally .",
                ),
            },
            {
                "id": HELD_OUT[1],
                "image": f"{HELD_OUT[1]}.jpg",
                "conversations": conversation("<image>\nSummarize the visual content of the image.", "a dog ."),
            },
        ],
    )
    write_picture(cc3m / "images" / "GCC_train_002582585.jpg")
    write_picture(cc3m / "images" / f"{HELD_OUT[1]}.jpg")
    coco = root / "coco"
    write_json(
        coco / "llava_instruct_150k.json",
        [
            {
                "id": f"{BUS:012d}",
                "image": f"{BUS:012d}.jpg",
                "conversations": conversation(
                    "<image>\nWhat are the colors of the bus in the image?",
                    "The bus in the image is white and red.",
                    "What feature can be seen on the back of the bus?",
                    "The back of the bus features an ad for Café Zürich.",
                ),
            },
            {
                "id": f"{DOG:012d}",
                "image": f"{DOG:012d}.jpg",
                "conversations": conversation("Where is the cat?\n<image>", "On the dog's back"),
            },
            {
                "id": f"{BUS:012d}",  # the same again: ids are those of pictures
                "image": f"{BUS:012d}.jpg",
                "conversations": conversation("Describe the image.\n<image>", "A bus in NYC.\n\nIt is full."),
            },
        ],
    )
    write_picture(coco / "train2017" / f"{BUS:012d}.jpg")
    write_picture(coco / "val2017" / f"{DOG:012d}.jpg")
