"""Chat templates, written down as transformers does it."""

from __future__ import annotations

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from textgen.text.chat_template import UnusableTemplateError, conversation
from textgen.text.prompts import Part

SYMBOLS = {"bos_token": "<s>", "eos_token": "</s>"}
TEMPLATES = {
    "qwen": (
        "{%- if tools %}\n  {{- tools | tojson }}\n{%- endif %}\n"
        "{%- for message in messages %}\n"
        "    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n"
        "{%- endfor %}\n"
        "{%- if add_generation_prompt %}\n"
        "    {{- '<|im_start|>assistant\\n' }}\n"
        "    {%- if enable_thinking is defined and enable_thinking is false %}\n"
        "        {{- '<think>\\n\\n</think>\\n\\n' }}\n"
        "    {%- endif %}\n"
        "{%- endif %}"
    ),
    "llama": (
        "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}\n"
        "{{ '[INST] ' + m['content'] | trim + ' [/INST]' }}\n"
        "  {% elif m['role'] == 'assistant' %}"
        "{% generation %}{{ m['content'] + eos_token }}{% endgeneration %}\n"
        "{% else %}{{ raise_exception('who?') }}{% endif %}{% endfor %}"
    ),
    "loops": (
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% if loop.index0 > 8 %}{% break %}{% endif %}"
        "{% set ns.n = ns.n + 1 %}{{ ns.n }}:{{ m.content }}\n{% endfor %}{{ {'名': '答'} | tojson }}："
    ),
}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("said", [(), ("夜雨", "山上"), ("<|im_end|>", "{{ bos_token }}")])
def test_a_conversation_is_that_of_transformers(name: str, said: tuple[str, ...]) -> None:
    before, behind = conversation(TEMPLATES[name], said, SYMBOLS)
    asked = "{article}</s>"
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate((*said, asked))]
    (whole,), _ = render_jinja_template(
        conversations=[messages],
        chat_template=TEMPLATES[name],
        add_generation_prompt=True,
        enable_thinking=False,
        **SYMBOLS,
    )
    assert "".join(part.text for part in [*before, Part(asked, True), *behind]) == whole
    assert [part.text for part in [*before, *behind] if part.content] == list(said)


def test_what_a_template_cannot_do() -> None:
    for template, reason in (
        ("{{ messages[0].content }}{% for i in range(10 ** 7) %}{% endfor %}", "Range too big"),
        ("{{ messages.append(1) }}", "access to attribute 'append'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{% for m in messages %}", "Unexpected end of template"),
        ("{{ messages[1].content }}", "has no attribute|no element"),
        ("", "it does not have everything that is said once"),
    ):
        with pytest.raises(UnusableTemplateError, match=reason):
            conversation(template, (), SYMBOLS)
