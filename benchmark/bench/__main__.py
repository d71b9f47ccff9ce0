"""Print what the file of this machine's results is called: ``make bench`` asks."""

from __future__ import annotations

import torch

from benchmark.bench.measured import file_name
from benchmark.bench.run import gpus_in_use
from benchmark.environment import environment

torch.cuda.is_available()  # loads CUDA, so that GPUs in use are known
print(file_name(environment(gpus_in_use()).hardware))
