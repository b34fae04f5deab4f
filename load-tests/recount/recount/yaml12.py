"""In: YAML text. Kept: nothing. Out: plain data as YAML 1.2 reads it: `no` and `on` are texts, times are texts, `1:30` is one."""
import re

import yaml

CORE = {
    "tag:yaml.org,2002:bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    "tag:yaml.org,2002:int": (r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    "tag:yaml.org,2002:float": (r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    "tag:yaml.org,2002:null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
}


class Loader(yaml.SafeLoader):
    """The loader of YAML 1.1 with the scalars of 1.2."""

    yaml_implicit_resolvers: dict = {}

    def construct_yaml_int(self, node):
        text = self.construct_scalar(node)
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


for _tag, (_pattern, _first) in CORE.items():
    Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)


def load(text):
    return yaml.load(text, Loader)
