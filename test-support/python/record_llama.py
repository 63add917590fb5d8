"""Records what llama.cpp makes of the weights named on the command line, as a fixture for mosaic-local-model.

Prints JSON: tokens of texts, and for conversations the prompt's tokens, the likeliest answer's tokens, and before
each of them the likeliest tokens with the logarithms of their probabilities.

    .tools/python/bin/python test-support/python/record_llama.py \\
        .tools/local-model/SmolLM2-135M-Instruct.Q4_1.gguf >test-support/fixtures/llama_cpp.json
"""

import importlib.metadata
import json
import os
import sys
import urllib.request

import xllamacpp

ANSWER_TOKENS = 16
LIKELIEST = 5

TEXTS = [
    "Hello, world!",
    "  two spaces,\n\n\n\tlines and\ttabs \n ",
    "It's what they're saying: I've, we'll, he'd, IT'S",
    "1234567 3.14159 0x1F 2024-12-31 a1b22c333",
    "x  =   5,    10\n    7",
    "日本語のテキスト, Ünïcödé, Ελληνικά, русский, עברית",
    "🦀 👩‍👩‍👧‍👦 € … “quotes”",
    "fn main() {\n    println!(\"{}\", x_1 + y[2]);\n}\n",
    "<|im_start|>user\n<|im_end|><|endoftext|>",
    "a\u00a0b\u200bc\r\nd\x00e",
]


def conversation(*contents, system=None):
    """Messages, the user's first."""
    roles = ["user", "assistant"] * len(contents)
    said = [{"role": role, "content": content} for role, content in zip(roles, contents)]
    return ([{"role": "system", "content": system}] if system else []) + said


CONVERSATIONS = [
    conversation("What is the capital of France?"),
    conversation("What is the capital of France?", system="You are a helpful assistant."),
    conversation("Complete the sentence: The capital of France is"),
    conversation("My name is Anna.", "Nice to meet you, Anna!", "What is my name?"),
    conversation(
        "My name is Anna and I live in Oslo.",
        "Hello Anna! How can I help you today?",
        "What is my name and where do I live?",
        system="You are a helpful assistant.",
    ),
    conversation("Count from 1 to 20, separated by commas."),
    conversation("Write a haiku about the sea."),
    conversation("def fib(n):\n    # 12345 numbers, 日本語 🦀 ü €\n"),
    conversation("The keeper wrote in his book every evening. " * 20 + "\nWhat did the keeper do every evening?"),
    conversation("Hi"),
]


def start(weights):
    """llama.cpp's server, and how to call it."""
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = 1
    params.cache_prompt = False
    server = xllamacpp.Server(params)

    def call(path, **body):
        address = server.listening_address + path
        request = urllib.request.Request(address, json.dumps(body).encode(), {"content-type": "application/json"})
        return json.load(urllib.request.urlopen(request, timeout=300))

    return server, call


def answer(call, messages):
    """What it says to the messages."""
    prompt = call("/apply-template", messages=messages)["prompt"]
    tokens = call("/tokenize", content=prompt, add_special=False, parse_special=True)["tokens"]
    said = call(
        "/completion",
        prompt=tokens,
        n_predict=ANSWER_TOKENS,
        temperature=0,
        n_probs=LIKELIEST,
        cache_prompt=False,
        return_tokens=True,
    )
    likeliest = [
        [[one["id"], round(one["logprob"], 3)] for one in place["top_logprobs"]]
        for place in said["completion_probabilities"]
    ]
    return {"messages": messages, "prompt": tokens, "answer": said["tokens"], "likeliest": likeliest}


_server, call = start(sys.argv[1])
texts = [
    {"text": text, "tokens": call("/tokenize", content=text, add_special=False, parse_special=False)["tokens"]}
    for text in TEXTS
]
recorded = {
    "origin": "test-support/python/record_llama.py with xllamacpp " + importlib.metadata.version("xllamacpp"),
    "texts": texts,
    "conversations": [answer(call, messages) for messages in CONVERSATIONS],
}
# A text or a conversation a line.
for name, rows in (("texts", texts), ("conversations", recorded["conversations"])):
    recorded[name] = [json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows]
print('{\n"origin":' + json.dumps(recorded["origin"]) + ",")
print('"texts":[\n' + ",\n".join(recorded["texts"]) + "\n],")
print('"conversations":[\n' + ",\n".join(recorded["conversations"]) + "\n]\n}", flush=True)
os._exit(0)
