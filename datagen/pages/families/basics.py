"""Signing in and settings: the pages that every product has."""

from random import Random

from datagen.content import icons
from datagen.content.words import Words
from datagen.pages.families import Family
from datagen.pages.shell import Content
from datagen.pages.ui import F, Ui


def sign_in(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    parts: list[F] = [ui.heading(t("Sign in"), 1)]
    if rng.random() < 0.4:
        parts.append(ui.text(words.sentence(), "muted"))
    if ui.state == "error":
        parts.append(ui.alert(t("The password is not correct."), "danger"))
    fields = [
        ui.field(
            t("Email"),
            ui.text_field(
                t("Email"), words.email() if rng.random() < 0.5 else "", "name@example.com", icon="envelope" if rng.random() < 0.3 else None
            ),
        ),
        ui.field(t("Password"), ui.password_field(t("Password"), rng.randrange(0, 14))),
    ]
    parts += fields
    parts.append(ui.row(ui.grow(ui.checkbox(t("Remember me"), rng.random() < 0.5)), ui.link(t("Forgot password?")), gap=3, justify="between"))
    parts.append(ui.button(t("Sign in"), variant="primary", wide=rng.random() < 0.7, busy=ui.state == "loading"))
    if rng.random() < 0.5:
        providers = rng.sample(("Google", "Apple", "GitHub", "Microsoft", "Facebook"), rng.randrange(1, 4))
        parts += [
            ui.divider(),
            ui.column(*(ui.button(f"{t('Continue with')} {name}", icon="globe", variant="default", wide=True) for name in providers)),
        ]
    parts.append(ui.row(ui.text(t("No account yet?"), "muted"), ui.link(t("Sign up")), gap=2, justify="center", wrap=True))
    logo = ui.row(ui.icon("lock", 2.4, "primary"), justify="center")
    inner = [ui.card(*([logo] if rng.random() < 0.5 else []), *parts)] if rng.random() < 0.6 else parts
    return Content(title=t("Sign in"), parts=tuple(inner), chrome="bare", icon="lock", width=rng.choice((22, 26, 30)), plain_title=True)


def settings(ui: Ui[F], words: Words, rng: Random) -> Content[F]:
    t = words.t
    parts: list[F] = []
    if rng.random() < 0.4:
        parts.append(ui.tabs([t(words.section()) for _ in range(2 if ui.room < 420 else 4)], rng.randrange(2)))
    for _ in range(rng.randrange(2, 5)):
        rows = []
        with_icons = rng.random() < 0.5
        for _ in range(rng.randrange(2, 6)):
            name, explanation = words.setting()
            control = rng.choice((
                lambda name=name: ui.switch(name, rng.random() < 0.5), lambda name=name: ui.switch(name, rng.random() < 0.5),
                lambda: ui.icon("chevron-right", tone="muted"), lambda: ui.button(t(rng.choice(("Edit", "Change", "Manage"))), size="small"),
                lambda name=name: ui.box(ui.slider(name, rng.random()), width=8), lambda name=name: ui.box(ui.combo_box(name, words.option(words.field_label())), width=9),
            ))()  # fmt: skip
            leading = ui.icon(rng.choice(icons.concepts("thing")), 1.3) if with_icons else None
            rows.append(ui.list_item(name, explanation if rng.random() < 0.5 else None, leading, control))
        parts.append(ui.column(ui.heading(t(words.section()), 3), ui.list(*rows, framed=rng.random() < 0.6), gap=2))
    return Content(title=t("Settings"), parts=tuple(parts), icon="gear", width=rng.choice((None, 44, 56)))


FAMILIES = {"sign_in": Family(sign_in, turns=3), "settings": Family(settings, turns=2)}
