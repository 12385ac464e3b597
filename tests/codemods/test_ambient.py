from __future__ import annotations

from tests.editing import changed


def test_literal() -> None:
    text = 'K.set_image_dim_ordering( "th" )  # Theano\n'
    assert changed(text, ('"th"', "Constant", "ambient", {"value": "tf"})) == (
        'K.set_image_dim_ordering( "tf" )  # Theano\n'
    )


def test_statement() -> None:
    args = {"where": "after", "text": "K.set_image_dim_ordering('tf')"}
    assert changed("import a\n\nb = 1\n", ("import a", "stmt", "ambient", args)) == (
        "import a\nK.set_image_dim_ordering('tf')\n\nb = 1\n"
    )
