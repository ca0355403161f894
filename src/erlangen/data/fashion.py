"""FashionMNIST: pictures of clothes in the files and the shape of MNIST.

Source: H. Xiao, K. Rasul, R. Vollgraf 2017, arXiv 1708.07747.
"""

import numpy as np

from erlangen.data.dataset import Dataset
from erlangen.data.digits import digit_dataset, digit_split, read_idx
from erlangen.data.store import fetch

FASHION_FILES = tuple(
    f"fashion-mnist/{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


def fashion_mnist(validation: int = 0) -> Dataset:
    """FashionMNIST: 60,000 training and 10,000 test images, ten classes.

    Args:
        validation: how many of the last training images to hold out.
    """
    files = [fetch(name) for name in FASHION_FILES]
    images, labels, test_images, test_labels = (read_idx(file.path) for file in files)
    train = digit_split(images.copy(), labels.astype(np.int64))
    test = digit_split(test_images.copy(), test_labels.astype(np.int64))
    return digit_dataset("fashion-mnist", train, test, validation, {"files": files})
