"""Equations as MathML, which browsers draw without a script from a server."""

import re

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)


def to_mathml(tex: str, node: nodes.Element, block: bool) -> str:
    tex = re.sub(r"\\(big|Big|bigg|Bigg)[lr]?(?![a-z])", "", tex).strip()
    tex = re.sub(r"\\(log|exp)(?=\s)", r"\\\1\\,", tex)
    try:
        return latex2mathml.tex2mathml(tex, as_block=block)
    except MathError as e:
        logger.warning("equation %r: %s", tex, e, location=node)
        return f"<code>{tex}</code>"


def visit_inline(translator, node):
    translator.body.append(to_mathml(node.astext(), node, block=False))
    raise nodes.SkipNode


def visit_block(translator, node):
    translator.body.append(f'<div class="math">{to_mathml(node.astext(), node, block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", inline_renderers=(visit_inline, None), block_renderers=(visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
