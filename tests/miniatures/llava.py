"""The two sets of captions of LLaVA, and its conversations on pictures of COCO, as their sites give them out."""

from pathlib import Path

from miniatures.files import write_json, write_picture

BUS, DOG = 33471, 52846


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
        ],
    )
    write_json(
        pretrain / "blip_laion_cc_sbu_558k_meta.json",
        [{"id": "004539375", "image": "00453/004539375.jpg", "blip_caption": "a mattress", "url": "http://a.b/c.jpg"}],
    )
    write_picture(pretrain / "images" / "00453" / "004539375.jpg")
    write_picture(pretrain / "images" / "00223" / "002239345.jpg")
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
            }
        ],
    )
    write_picture(cc3m / "images" / "GCC_train_002582585.jpg")
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
