"""References of the benchmark: AugMix as published (per image, Pillow and NumPy), and with Kornia's containers."""

import io

import cv2
import kornia.augmentation as K
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from torch import Tensor, nn

WIDTH, DEEPEST, LEVEL = 3, 3, 3.0


def augmix_per_image(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Algorithm 1 of Hendrycks et al. (ICLR 2020) with the article's four operations, on one ``(H, W, 3)`` image."""
    clean = image.astype(np.float32) / 255
    mixture = np.zeros_like(clean)
    for weight in rng.dirichlet([1.0] * WIDTH):
        chain = Image.fromarray(image)
        for _ in range(rng.integers(1, DEEPEST + 1)):
            operation = OPERATIONS[rng.integers(len(OPERATIONS))]
            chain = operation(chain, rng.uniform(0.1, LEVEL) / 10, rng)
        mixture += np.float32(weight) * np.asarray(chain, dtype=np.float32) / 255
    share = np.float32(rng.beta(1, 1))
    return (1 - share) * clean + share * mixture


def _noise(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    values = np.asarray(image, dtype=np.float32)
    noise = rng.standard_normal(values.shape, dtype=np.float32) * np.float32(255 * 0.3 * strength)
    return Image.fromarray((values + noise).clip(0, 255).astype(np.uint8))


def _jpeg(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    data = io.BytesIO()
    image.save(data, format="JPEG", quality=int(95 * 10**-strength))
    return Image.open(data).convert("RGB")


def _motion(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    length, angle = 0.15 * max(image.size) * strength, rng.uniform(0, np.pi)
    radius = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), np.float32)
    for time in np.linspace(-0.5, 0.5, 8 * radius):
        x, y = radius + time * length * np.cos(angle), radius + time * length * np.sin(angle)
        kernel[round(y), round(x)] += 1
    return Image.fromarray(cv2.filter2D(np.asarray(image), -1, kernel / kernel.sum()))


def _colour(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(1 + 0.9 * strength * rng.uniform(-1, 1))
    hsv = np.array(image.convert("HSV"))
    hsv[..., 0] += np.uint8(int(255 * 0.15 * strength * rng.uniform(-1, 1)) % 256)
    return Image.fromarray(hsv, "HSV").convert("RGB")


OPERATIONS = (_noise, _jpeg, _motion, _colour)


class KorniaAugMix(nn.Module):
    """AugMix with Kornia's containers, one sample at a time because they choose one chain for a whole batch."""

    def __init__(self) -> None:
        super().__init__()
        top = LEVEL / 10
        self.chain = K.AugmentationSequential(
            K.RandomGaussianNoise(std=0.3 * top / 2, p=1.0),
            K.RandomJPEG(jpeg_quality=(48.0, 95.0), p=1.0),
            K.RandomMotionBlur(kernel_size=(3, 11), angle=180.0, direction=0.0, p=1.0),
            K.ColorJiggle(0.9 * top, 0.9 * top, 0.9 * top, 0.15 * top, p=1.0),
            data_keys=["input"],
            random_apply=(1, DEEPEST + 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Mix a batch ``(B, 3, H, W)``, sample by sample."""
        return torch.cat([self._mix(images[index : index + 1]) for index in range(len(images))])

    def _mix(self, image: Tensor) -> Tensor:
        weights = torch.distributions.Dirichlet(torch.ones(WIDTH)).sample().to(image.device)
        mixture = torch.stack([weight * self.chain(image) for weight in weights]).sum(0)
        return torch.lerp(image, mixture, torch.rand((), device=image.device))
