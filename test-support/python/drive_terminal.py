"""Drives a Mosaic terminal with Python's gRPC, knowing only what the server's reflection tells.

Takes MOSAIC_ENDPOINT (host:port) and MOSAIC_TOKEN from the environment and exits with an error
unless everything is as promised.
"""

import os
import queue

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

SERVICE = "mosaic.terminal.v1.TerminalService"
METADATA = [("authorization", f"Bearer {os.environ['MOSAIC_TOKEN']}")]
TIMEOUT_S = 60


class Terminals:
    """The terminal service, built from reflection."""

    def __init__(self, channel):
        self.channel = channel
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        self.service = pool.FindServiceByName(SERVICE)

    def message(self, name, **fields):
        """A request message of the service's package."""
        descriptor = self.service.file.message_types_by_name[name]
        return message_factory.GetMessageClass(descriptor)(**fields)

    def call(self, method, request, metadata=METADATA):
        """Calls any method: a unary one answers a message, a streaming one an iterator."""
        about = self.service.methods_by_name[method]
        kind = {
            (False, False): self.channel.unary_unary,
            (False, True): self.channel.unary_stream,
            (True, True): self.channel.stream_stream,
        }[about.client_streaming, about.server_streaming]
        answer = message_factory.GetMessageClass(about.output_type)
        stub = kind(
            f"/{SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return stub(request, metadata=metadata, timeout=TIMEOUT_S)


def attach(terminals, terminal_id):
    """Types over Attach and returns what the terminal printed, up to its end."""
    said = queue.SimpleQueue()
    opening = terminals.message("Open", terminal_id=terminal_id)
    said.put(terminals.message("AttachRequest", open=opening))
    printed, ended, accepted = b"", None, 0
    for answer in terminals.call("Attach", iter(said.get, None)):
        if answer.WhichOneof("response") == "input_accepted":
            accepted = answer.input_accepted.sequence
            continue
        event = answer.event
        kind = event.WhichOneof("event")
        if kind == "opened":
            typed = terminals.message("Input", sequence=1, data=b"hello\r")
            said.put(terminals.message("AttachRequest", input=typed))
        elif kind == "output":
            assert event.output.offset == len(printed), (event.output.offset, len(printed))
            printed += event.output.data
        elif kind == "exited":
            assert event.exited.final_offset == len(printed), event
            assert event.exited.exit.code == 0, event
        elif kind == "stream_ended":
            ended = event.stream_ended.reason
    said.put(None)
    assert accepted == 1, accepted
    assert ended == 1, f"not REASON_TERMINAL_ENDED: {ended}"
    return printed


def check_errors(terminals):
    """An error carries its reason; without a token nothing is answered."""
    request = terminals.message("GetTerminalRequest", terminal_id="nobody")
    for metadata, reason in [(METADATA, "TERMINAL_NOT_FOUND"), ([], "TOKEN_MISSING")]:
        try:
            terminals.call("GetTerminal", request, metadata)
        except grpc.RpcError as error:
            info = error_details_pb2.ErrorInfo()
            details = rpc_status.from_call(error).details
            assert any(detail.Unpack(info) for detail in details), details
            assert (info.reason, info.domain) == (reason, "mosaic"), info
        else:
            raise AssertionError(f"no {reason}")


def main():
    with grpc.insecure_channel(os.environ["MOSAIC_ENDPOINT"]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ["", SERVICE]:
            status = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT_S).status
            assert status == health_pb2.HealthCheckResponse.SERVING, (service, status)
        terminals = Terminals(channel)
        listener = 'stty -echo; read line; echo "got $line"'
        terminal = terminals.call("CreateTerminal", terminals.message("CreateTerminalRequest", shell=listener)).terminal
        printed = attach(terminals, terminal.id)
        # What is typed before the program has switched echo off is echoed first.
        assert printed.endswith(b"got hello\r\n"), printed
        watched = b"".join(
            answer.event.output.data
            for answer in terminals.call("Watch", terminals.message("WatchRequest", terminal_id=terminal.id))
        )
        assert watched == printed, watched
        check_errors(terminals)
    print("python: everything as promised")


if __name__ == "__main__":
    main()
