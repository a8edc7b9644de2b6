"""Words from which a seed makes names; nobody and nothing is called like that."""

from __future__ import annotations

from typing import Final

FIRST: Final = (
    "Ada", "Bela", "Cleo", "Dario", "Edda", "Fenn", "Gwen", "Hugo", "Ines", "Jora",
    "Kit", "Lumi", "Milo", "Nell", "Otis", "Pia", "Quinn", "Rhea", "Sol", "Tova",
)  # fmt: skip
LAST: Final = (
    "Applewhistle", "Bramblecook", "Cloudberry", "Dapplewood", "Elderfinch", "Featherstonehill",
    "Gooseberry", "Honeythorn", "Inkwell-Moss", "Jumpingbean", "Kettledrum", "Lanternfish",
    "Marmalade", "Nettlebrook", "Oatcake", "Picklesworth", "Quillfeather", "Rainwater-Fig",
    "Saltmarsh", "Thistledown",
)  # fmt: skip
ADJECTIVES: Final = (
    "Amber", "Borrowed", "Crooked", "Dancing", "Electric", "Floating", "Gilded", "Humming",
    "Invisible", "Juggling", "Knitted", "Lopsided", "Midnight", "Northbound", "Orbiting",
    "Paper", "Quiet", "Rubber", "Sleepy", "Tangled",
)  # fmt: skip
THINGS: Final = (
    "Anchor", "Biscuit", "Compass", "Dragonfly", "Envelope", "Flamingo", "Gramophone",
    "Hedgehog", "Iceberg", "Jellyfish", "Kite", "Lighthouse", "Mushroom", "Narwhal", "Octopus",
    "Pretzel", "Quokka", "Rocket", "Submarine", "Teapot",
)  # fmt: skip
TRADES: Final = ("Bakery", "Bindery", "Foundry", "Laundry", "Nursery", "Press", "Studio", "Works")
CITIES: Final = ("Fogharbour", "Gullport", "Lower Marrow", "Mossgate", "Tinderby", "Upper Crumb")
STREETS: Final = ("Acorn Lane", "Button Street", "Copper Row", "Driftwood Way", "Echo Mews")
JOBS: Final = ("Bookkeeper", "Director", "Foreman", "Head of Kites", "Office Manager")
UNDERTAKINGS: Final = (
    "Website relaunch", "Brand refresh", "Annual report", "Online shop", "Photo archive",
    "Booking system", "Newsletter", "Trade fair stand",
)  # fmt: skip
LABOURS: Final = (
    "Kick-off meeting", "Wireframes", "Copywriting", "Illustrations", "Prototype", "Code review",
    "Usability test", "Launch", "Retrospective",
)  # fmt: skip
PURCHASES: Final = ("Train ticket", "Printing", "Domain name", "Courier", "Stock photos", "Lunch")
