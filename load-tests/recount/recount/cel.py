"""In: conditions of schemas/cel.md. Kept: nothing. Out: a function of an event: True, False, a value or ERROR."""
import json
import re

ERROR = object()
TOKEN = re.compile(r"""\s*(?:(\d+\.\d+(?:[eE][+-]?\d+)?|\d+)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_]\w*)|(&&|\|\||[=!<>]=|[-+*<>!?:().,\[\]]))""")
LOW, HIGH = -(2**63), 2**63 - 1


class Parser:
    def __init__(self, text, kinds, yields):
        self.kinds, self.yields, self.tokens, at = kinds, yields, [], 0
        text = text.strip()
        while at < len(text):
            m = TOKEN.match(text, at)
            if not m:
                raise ValueError(f"not understood at {at}: {text!r}")
            self.tokens.append((m.lastindex, m[m.lastindex]))
            at = m.end()
        self.tokens.append((0, ""))
        self.i = 0

    def peek(self):
        return self.tokens[self.i][1] if self.tokens[self.i][0] != 2 else None

    def take(self, *words):
        if self.peek() in words:
            self.i += 1
            return self.tokens[self.i - 1][1]
        return None

    def need(self, word):
        if not self.take(word):
            raise ValueError(f"expected {word!r}, found {self.tokens[self.i][1]!r}")

    def whole(self):
        f = self.ternary()
        if self.tokens[self.i][0] != 0:
            raise ValueError(f"not expected: {self.tokens[self.i][1]!r}")
        return f

    def ternary(self):
        test = self.either()
        if not self.take("?"):
            return test
        yes = self.ternary()
        self.need(":")
        no = self.ternary()

        def choose(e):
            t = test(e)
            return ERROR if t is ERROR else yes(e) if t else no(e)
        return choose

    def logic(self, word, part, absorbing):
        f = part()
        while self.take(word):
            g = part()
            types = _either(f, g) if absorbing else _both(getattr(f, "types", None), getattr(g, "types", None))
            f = _absorb(f, g, absorbing)
            f.types = types
        return f

    def either(self):
        return self.logic("||", self.both, True)

    def both(self):
        return self.logic("&&", self.relation, False)

    def relation(self):
        f = self.sum()
        while op := self.take("==", "!=", "<", "<=", ">", ">=", "in"):
            items = self.items() if op == "in" else [self.sum()]
            types = self.types(op, f, items)
            f = _strict((lambda a, *all_: a in all_) if op == "in" else COMPARE[op], f, *items)
            f.types = types
        return f

    def items(self):
        self.need("[")
        items = [self.sum()]
        while self.take(","):
            items.append(self.sum())
        self.need("]")
        return items

    def types(self, op, f, items):
        """The event types that can make a comparison true; None: any."""
        if op in ("==", "in") and getattr(f, "name", None) == "event.type":
            return _texts(items)
        if op == "==" and getattr(items[0], "name", None) == "event.type":
            return _texts([f])
        operands = [f] if op == "in" else [f, *items]
        found = None
        for one in operands:
            found = _both(found, self.yielder(getattr(one, "name", "")))
        return found

    def yielder(self, name):
        return {self.yields[name]} if name in self.yields else None

    def sum(self):
        f = self.product()
        while op := self.take("+", "-"):
            g = self.product()
            f = _strict((lambda a, b: _bound(a + b)) if op == "+" else (lambda a, b: _bound(a - b)), f, g)
        return f

    def product(self):
        f = self.unary()
        while self.take("*"):
            f = _strict(lambda a, b: _bound(a * b), f, self.unary())
        return f

    def unary(self):
        if self.take("!"):
            return _strict(lambda a: not a, self.unary())
        if self.take("-"):
            kind, text = self.tokens[self.i]
            if kind == 1:
                self.i += 1
                return _constant(-_number(text))
            return _strict(lambda a: _bound(-a), self.unary())
        return self.call(self.primary())

    def call(self, f):
        while self.take("."):
            name = self.take("startsWith", "endsWith", "contains")
            if not name:
                raise ValueError(f"unknown function {self.tokens[self.i][1]!r}")
            self.need("(")
            g = self.ternary()
            self.need(")")
            f = _strict(CALLS[name], f, g)
        return f

    def primary(self):
        kind, text = self.tokens[self.i]
        self.i += 1
        if kind == 1:
            value = _number(text)
            if isinstance(value, int) and value > HIGH:
                raise ValueError("number beyond 64 bits")
            return _constant(value)
        if kind == 2:
            return _constant(_text(text))
        if text == "(":
            f = self.ternary()
            self.need(")")
            return f
        if text in ("true", "false"):
            return _constant(text == "true")
        if text == "has":
            self.need("(")
            group, name = self.path()
            self.need(")")
            def there(e):
                return e[group].get(name) is not None
            there.types = self.yielder(f"{group}.{name}")
            return there
        self.i -= 1
        return self.attribute(*self.path())

    def path(self):
        group = self.take("data", "fact", "event", "record")
        if not group:
            raise ValueError(f"not expected: {self.tokens[self.i][1]!r}")
        self.need(".")
        self.i += 1
        return group, self.tokens[self.i - 1][1]

    def attribute(self, group, name):
        kind = self.kinds.get(name) if group == "data" else "int" if group == "fact" else "string"
        if kind is None:
            raise ValueError(f"data.{name} is not declared")

        def get(e):
            value = e[group].get(name)
            return value if fits(value, kind) else ERROR
        get.name = f"{group}.{name}"
        return get


def fits(value, kind):
    """Whether a JSON value is of a declared type; a text of more than 256 bytes is not looked at."""
    t = type(value)
    if kind == "string":
        return t is str and len(value.encode()) <= 256
    if kind == "int":
        return t is int
    if kind == "double":
        return t is int or t is float
    return t is bool


def _number(text):
    return float(text) if "." in text else int(text)


def _text(text):
    body = text[1:-1]
    if text[0] == "'":
        body = body.replace("\\'", "'").replace('"', '\\"')
    return json.loads('"' + body.replace("\\'", "'") + '"')


def _bound(value):
    return value if LOW <= value <= HIGH else ERROR


def _constant(value):
    def constant(e):
        return value
    constant.value = value
    return constant


def _texts(parts):
    """The texts that stand there; None where anything else does."""
    texts = [getattr(part, "value", None) for part in parts]
    return set(texts) if all(isinstance(t, str) for t in texts) else None


def _both(a, b):
    """Types that are possible under both conditions."""
    return b if a is None else a if b is None else a & b


def _either(f, g):
    a, b = getattr(f, "types", None), getattr(g, "types", None)
    return None if a is None or b is None else a | b


def _absorb(f, g, absorbing):
    def both(e):
        a = f(e)
        if a is absorbing:
            return a
        b = g(e)
        if b is absorbing:
            return b
        return ERROR if a is ERROR or b is ERROR else not absorbing
    return both


def _strict(of, *parts):
    def run(e):
        values = []
        for part in parts:
            v = part(e)
            if v is ERROR:
                return ERROR
            values.append(v)
        return of(*values)
    return run


# Python compares an int with a double exactly, and texts by code point: as CEL says.
COMPARE = {"==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
           "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}
CALLS = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}


def compile_condition(text, kinds, yields=None):
    """A function of {event, data, fact, record}; `kinds` are the declared attributes of data, `yields` the type by the name of
    each fact. Its `types`: the event types that can make it true, None for any."""
    whole = Parser(text, kinds, yields or {}).whole()

    def condition(e):
        return whole(e)
    condition.types = getattr(whole, "types", None)
    return condition


def all_of(conditions, view):
    """And-ed as `&&` does it: true, false or ERROR."""
    found = True
    for condition in conditions:
        one = condition(view)
        if one is False:
            return False
        found = ERROR if one is ERROR else found
    return found
