"""Serves the weights named on the command line over llama.cpp's HTTP server, as others do.

Prints its base URL when it listens, and ends when standard input does. It asks for MODEL_SERVER_KEY, as
`Authorization: Bearer` and as `x-api-key`. The model is called `smollm2`.
"""

import os
import sys

import xllamacpp

THREADS = 1
CONTEXT_TOKENS = 2048

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {"smollm2"}
params.hostnames = ["127.0.0.1"]
params.port = 0
params.api_keys = [os.environ["MODEL_SERVER_KEY"]]
params.n_ctx = CONTEXT_TOKENS
params.n_parallel = 1
params.cpuparams.n_threads = THREADS
params.cpuparams_batch.n_threads = THREADS
params.warmup = False
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
# Its threads may still compute; nobody waits for what they make.
os._exit(0)
