"""A store of objects on this machine, which speaks S3."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def s3_server() -> Iterator[str]:
    """Start a server with one bucket and let S3 clients of this process and its children find it; yield its URL."""
    server = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    started = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    s3fs.S3FileSystem.clear_instance_cache()  # which knows the server before this one, if there was one
    bucket = f"bucket-{uuid.uuid4().hex}"  # servers of one process share what they hold
    try:
        s3fs.S3FileSystem().mkdir(bucket)
        yield f"s3://{bucket}/tst bench"
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        started.stop()
