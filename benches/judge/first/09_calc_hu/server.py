# 网络计算器: 客户端发送一行算式(例如 3+4*2), 服务器返回一行结果
# 胡同学  2023级
import ast
import operator
import socket
import threading

OPS = {ast.Add: operator.add, ast.Sub: operator.sub,
       ast.Mult: operator.mul, ast.Div: operator.truediv, ast.USub: operator.neg}


def jisuan(node):
    """不用eval, 自己算, 安全"""
    if isinstance(node, ast.Expression):
        return jisuan(node.body)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in OPS:
        return OPS[type(node.op)](jisuan(node.left), jisuan(node.right))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPS:
        return OPS[type(node.op)](jisuan(node.operand))
    raise ValueError('算式不对')


class CalcThread(threading.Thread):
    def __init__(self, sock, addr):
        super().__init__(daemon=True)
        self.sock = sock
        self.addr = addr

    def run(self):
        try:
            while True:
                data = self.sock.recv(1024)
                if not data:
                    break
                expr = data.decode('utf-8', 'replace').strip()
                print(self.addr, expr)
                try:
                    result = str(jisuan(ast.parse(expr, mode='eval')))
                except ZeroDivisionError:
                    result = '错误: 除数为0'
                except Exception:
                    result = '错误: 算式不对'
                self.sock.sendall((result + '\n').encode('utf-8'))
        except OSError as e:
            print(self.addr, '断开', e)
        finally:
            self.sock.close()


def main():
    fuwu = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    fuwu.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    fuwu.bind(('', 20009))
    fuwu.listen(128)
    print('计算器服务器已启动 20009')
    while True:
        sock, addr = fuwu.accept()
        CalcThread(sock, addr).start()


if __name__ == '__main__':
    main()
