"""Calculator on asyncio.  One expression per line, one answer per line.

usage: python3 server.py PORT
"""
import ast
import asyncio
import operator
import sys

OPS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
       ast.Div: operator.truediv, ast.Mod: operator.mod, ast.FloorDiv: operator.floordiv}


def evaluate(node):
    if isinstance(node, ast.Expression):
        return evaluate(node.body)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -evaluate(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in OPS:
        return OPS[type(node.op)](evaluate(node.left), evaluate(node.right))
    raise ValueError("not allowed")


def answer(line):
    text = line.decode("utf-8", errors="replace").strip()
    if len(text) > 200:
        return "error: too long"
    try:
        return str(evaluate(ast.parse(text, mode="eval")))
    except (ArithmeticError, ValueError, SyntaxError, MemoryError, RecursionError) as e:
        return "error: " + type(e).__name__


async def client(reader, writer):
    try:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                writer.write(b"error: line too long\n")
                break
            if not line:
                break
            if line.strip():
                writer.write((answer(line) + "\n").encode("utf-8"))
                await writer.drain()
        await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass


async def main():
    server = await asyncio.start_server(client, "0.0.0.0", int(sys.argv[1]), backlog=128)
    print("calculator ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
