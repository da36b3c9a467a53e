"""A server of the official Python SDK: python-server.py PORT. It serves 2026-07-28 and the older revisions."""

import sys
from typing import Annotated

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve, Sample
from mcp_types import CreateMessageResult, SamplingMessage, TextContent
from pydantic import BaseModel

server = MCPServer("python-peer", version="1.0.0")


class Name(BaseModel):
    name: str


async def ask_user() -> Elicit[Name]:
    return Elicit("What is your name?", Name)


async def ask_model() -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text="Say something"))], max_tokens=10)


@server.tool()
def echo(message: str) -> str:
    return f"Echo: {message}"


@server.tool()
def ask_name(name: Annotated[Name, Resolve(ask_user)]) -> str:
    return f"The name is {name.name}"


@server.tool()
def ask_llm(answer: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
    return f"The answer is {answer.content}"


@server.tool()
async def work(duration: float, steps: int, ctx: Context) -> str:
    for step in range(1, steps + 1):
        await anyio.sleep(duration / steps)
        await ctx.report_progress(step, steps)
    return "The work is done"


@server.resource("peer://greeting")
def greeting() -> str:
    return "Good morning"


@server.prompt()
def greet(city: str) -> str:
    return f"Say hello to {city}"


server.run("streamable-http", port=int(sys.argv[1]))
