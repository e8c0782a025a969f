import asyncio
import time


async def answer(number):
    await asyncio.sleep(0.2)
    return number


async def main():
    tasks = [answer(number) for number in range(100)]
    return await asyncio.gather(*tasks)


started = time.perf_counter()
answers = asyncio.run(main())
print(len(answers), round(1000 * (time.perf_counter() - started)))
# Waits for a line, so that the lesson can count the threads.
input()
