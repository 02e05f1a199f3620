# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks as other programs save them, made masks of ours."""

import numpy as np
import pytest
from PIL import Image

from scan.common.errors import PhotoError
from scan.masks.adopting import adopted, inverted
from scan.masks.own_masks import MaskFile
from scan.photos.pixels import to_upright

SIZE = (64, 48)
KEPT = np.zeros((48, 64), bool)
KEPT[10:40, 5:30] = True
KEPT[10:20, 30:60] = True
"""An L that lies in the grid of the photo's stored pixels: turned, it is another one."""


def picture(kept=KEPT, white=255):
    return Image.fromarray(np.uint8(kept * white))


@pytest.fixture
def adopt(tmp_path):
    """Give a function that saves a picture and returns what is kept once it is adopted."""

    def adopt(image, name="mask.png", turn=1, threshold=128, size=SIZE, black=False, **options):
        file = MaskFile(name, tmp_path / name)
        image.save(file.path, **options)
        made = adopted(file, size, turn, threshold, is_object_black=black)
        kept = np.asarray(made.mask.image())
        assert kept.shape == size[::-1]
        assert set(np.unique(kept)) <= {0, 255}
        return kept > 0, made.is_either

    return adopt


def exif(turn):
    block = Image.Exif()
    block[0x0112] = turn
    return block


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "RGBA", "I;16", "I", "F"])
def test_any_mode_is_read(adopt, mode):
    made = picture()
    if mode == "I;16":
        made = Image.fromarray(np.uint16(KEPT * 65535))
    elif mode == "F":
        made = Image.fromarray(np.float32(KEPT))
    else:
        made = made.convert(mode)
    assert np.array_equal(adopt(made, "mask.tif" if mode in "IF" else "mask.png")[0], KEPT)


@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.webp", "m.jpg"])
def test_any_format_is_read(adopt, name):
    kept = adopt(picture(), name)[0]
    assert (kept != KEPT).mean() < 0.01


@pytest.mark.parametrize("label", [1, 2, 38, 100])
def test_of_two_values_the_brighter_is_kept(adopt, label):
    assert np.array_equal(adopt(picture(white=label))[0], KEPT)
    assert np.array_equal(adopt(Image.fromarray(np.uint16(KEPT * label)))[0], KEPT)


def test_nearly_white_is_white(adopt):
    assert adopt(Image.fromarray(np.uint8(255 - KEPT)))[0].all()


@pytest.mark.parametrize("threshold", [60, 128, 200])
def test_soft_masks_take_the_threshold(adopt, threshold):
    soft = np.tile(np.repeat(np.array([0, 100, 150, 255], np.uint8), [28, 4, 4, 28]), (48, 1))
    assert np.array_equal(adopt(Image.fromarray(soft), threshold=threshold)[0], soft >= threshold)
    kept = adopt(Image.fromarray(255 - soft), threshold=threshold, black=True)[0]
    assert np.array_equal(kept, soft >= threshold)


def test_black_objects_are_turned(adopt):
    assert np.array_equal(adopt(picture(~KEPT), black=True)[0], KEPT)
    assert np.array_equal(adopt(picture(~KEPT, white=1), black=True)[0], KEPT)


@pytest.mark.parametrize("scale", [0.5, 0.25, 3, 1.01])
def test_another_size_of_the_same_shape_is_scaled(adopt, scale):
    size = (640, 480)
    wanted = np.kron(KEPT, np.ones((10, 10), bool))
    other = Image.fromarray(np.uint8(wanted * 255)).resize([round(scale * each) for each in size])
    kept = adopt(other, size=size)[0]
    assert (kept & wanted).sum() / (kept | wanted).sum() > 0.98


def test_a_shape_that_is_off_by_a_rounded_pixel_is_the_same(adopt):
    size = (4000, 2251)
    wanted = Image.fromarray(np.uint8(KEPT * 255)).resize(size, Image.Resampling.NEAREST)
    kept = adopt(wanted.resize((500, 281), Image.Resampling.NEAREST), size=size)[0]
    wanted = np.asarray(wanted) > 0
    assert (kept & wanted).sum() / (kept | wanted).sum() > 0.97


@pytest.mark.parametrize("size", [(48, 48), (64, 50), (32, 26), (96, 64), (8, 7)])
def test_another_shape_is_refused_by_name_with_what_to_do(adopt, size):
    with pytest.raises(
        PhotoError, match=rf"64 × 48 pixels and a mask .* m\.png, of another shape, {size[0]} × {size[1]};"
    ):
        adopt(picture().resize(size), "m.png")


def test_large_pictures_are_as_large_as_they_say(adopt):
    with pytest.raises(PhotoError, match="of another shape, 1000 × 755;"):
        adopt(picture().resize((1000, 755)), "m.png", size=(4000, 3000))


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_mask_of_the_stored_or_of_the_upright_photo_is_laid_over_what_is_stored(adopt, turn):
    kept, is_either = adopt(picture(), turn=turn)
    assert np.array_equal(kept, KEPT)
    assert is_either == (turn in {2, 3, 4})  # both have the same shape
    if turn >= 5:
        assert np.array_equal(adopt(to_upright(picture(), turn), turn=turn)[0], KEPT)
        small = to_upright(picture().resize((32, 24)), turn)
        assert (adopt(small, turn=turn)[0] == KEPT).mean() > 0.95
    upright = to_upright(picture(), turn)
    with pytest.raises(PhotoError, match="of another shape"):
        adopt(upright.resize((upright.width, upright.width)), turn=turn)


def test_a_square_photo_that_is_turned_takes_a_mask_as_it_is_stored_and_says_so(adopt):
    kept = KEPT[:48, :48]
    made, is_either = adopt(picture(kept), turn=6, size=(48, 48))
    assert np.array_equal(made, kept)
    assert is_either


@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.jpg"])
@pytest.mark.parametrize("turn", [3, 6])
def test_a_mask_that_is_turned_itself_is_laid_upright_over_the_photo(adopt, name, turn):
    kept, is_either = adopt(picture(), name, turn=turn, exif=exif(turn))  # as an editor does that keeps EXIF
    assert (kept != KEPT).mean() < 0.01
    assert not is_either
    upright = to_upright(picture(), turn)
    kept = adopt(upright, name, turn=1, exif=exif(8 if turn == 6 else 3))[0]
    assert (kept != KEPT).mean() < 0.01
    if turn == 6:  # a program that turned the pixels and copied the tag
        kept = adopt(upright, name, turn=turn, exif=exif(turn))[0]
        assert (kept != KEPT).mean() < 0.01


def layered(colors, alpha):
    made = colors.convert("RGBA")
    made.putalpha(alpha)
    return made


def test_the_alpha_of_a_cutout_is_its_mask(adopt):
    noise = Image.effect_noise(SIZE, 60)
    assert np.array_equal(adopt(layered(noise, picture()))[0], KEPT)
    dark = Image.composite(noise.point(lambda value: value // 8), Image.new("L", SIZE, 255), picture())
    assert np.array_equal(adopt(layered(dark, picture()))[0], KEPT)


@pytest.mark.parametrize("color", [0, 128, 255])
def test_alpha_counts_where_the_colors_are_flat(adopt, color):
    assert np.array_equal(adopt(layered(Image.new("L", SIZE, color), picture()))[0], KEPT)


@pytest.mark.parametrize("alpha", [255, 128, 1])
def test_colors_count_where_the_alpha_is_flat(adopt, alpha):
    assert np.array_equal(adopt(layered(picture(), Image.new("L", SIZE, alpha)))[0], KEPT)


def test_what_was_erased_of_a_painted_mask_is_not_kept(adopt):
    erased = np.zeros_like(KEPT)
    erased[:, 40:] = True
    kept = adopt(layered(picture(), picture(~erased)))[0]
    assert np.array_equal(kept, KEPT & ~erased)


def test_what_is_no_mask_is_refused_by_name(adopt, tmp_path):
    with pytest.raises(PhotoError, match=r"has m\.png beside it, which is named like a mask and is none.*move it"):
        adopt(Image.effect_noise(SIZE, 60), "m.png")
    with pytest.raises(PhotoError, match=r"m\.png, that keeps nothing; paint what is to be kept white"):
        adopt(Image.new("L", SIZE), "m.png")
    with pytest.raises(PhotoError, match="keeps nothing"):
        adopt(layered(picture(), Image.linear_gradient("L").resize(SIZE).point(lambda value: value // 3)), "m.png")
    for content, words in ((b"no picture", "is no picture; save it as PNG"), (b"", "is no picture")):
        (tmp_path / "m.png").write_bytes(content)
        with pytest.raises(PhotoError, match=words):
            adopted(MaskFile("m.png", tmp_path / "m.png"), SIZE, 1, 128, is_object_black=False)
    Image.effect_noise(SIZE, 60).save(tmp_path / "m.png")
    (tmp_path / "m.png").write_bytes((tmp_path / "m.png").read_bytes()[:-200])
    with pytest.raises(PhotoError, match=r"m\.png, that cannot be read \(.*\); save it again as PNG"):
        adopted(MaskFile("m.png", tmp_path / "m.png"), SIZE, 1, 128, is_object_black=False)


def test_a_bomb_is_not_decoded(tmp_path):
    Image.new("1", (40000, 30000)).save(tmp_path / "m.png")
    with pytest.raises(PhotoError, match="claims 40000 × 30000 pixels"):
        adopted(MaskFile("m.png", tmp_path / "m.png"), (4000, 3000), 1, 128, is_object_black=False)


def test_how_many_look_inverted_is_told_by_a_few_of_them(tmp_path):
    files = [MaskFile(f"{number}.png", tmp_path / f"{number}.png") for number in range(30)]
    for number, file in enumerate(files):
        picture(~KEPT if number < 20 else KEPT).save(file.path)
    assert inverted(files, 128) == (8, 12)
    assert inverted(files[20:], 128) == (0, 10)
    files[0].path.write_bytes(b"damaged")
    assert inverted(files[:3], 128) == (2, 3)
    Image.new("L", SIZE, 255).save(files[0].path)  # all kept: no object was looked for
    assert inverted(files[:1], 128) == (0, 1)
    assert inverted([], 128) == (0, 0)
