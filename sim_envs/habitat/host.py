"""Run in another interpreter: answer requests with the ``answer`` function of one module.

Started by :mod:`sim_envs.habitat.process` as ``python host.py MODULE FD``. Standard library only, Python 3.9 or
later, and nothing of this package: the interpreter has its own libraries. Requests are JSON objects, one a line,
on standard input. Answers go one a line to descriptor FD, which nothing else knows of: whatever native code prints
cannot end up between them. An answer bears the number of its request; ``ok`` holds what ``answer(request)``
returned, ``failed`` what it raised, with the traceback.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import traceback


def main() -> None:
    """Answer until standard input ends, which it does when the parent does, however it ended."""
    module_path, descriptor = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    answers = os.fdopen(descriptor, "w", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("worker", module_path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    while True:
        request = json.loads(requests.get())
        number = request.pop("number")
        try:
            line = json.dumps({"number": number, "ok": module.answer(request)})
        except Exception as error:
            said = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
            line = json.dumps({"number": number, "failed": said})
        answers.write(line + "\n")
        answers.flush()


def _read(requests: queue.Queue[str]) -> None:
    """Pass requests on; end the process at once when there will be no more, whatever it is doing."""
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
