"""The table as a picture: for each row how many times Skein's time the others take, on a logarithmic scale."""
from html import escape
from math import floor, ceil, log10

COLORS = {"JAX": "#1f77b4", "NumPy": "#ff7f0e", "PyTorch": "#d62728", "by hand": "#2ca02c"}
LEGEND = {"by hand": "by hand / Open MPI"}


def ratios(table, rows):
    """[(title, {who: time / Skein's time})] of the rows that Skein has."""
    found = []
    for row in rows:
        own = table.best(row, "Skein")
        if own:
            found.append((row.title, {who: other / own for who in COLORS if (other := table.best(row, who))}))
    return [entry for entry in found if entry[1]]


def plot(table, rows, path):
    """Writes PATH.png with matplotlib, PATH.svg without; returns which."""
    entries = ratios(table, rows)
    try:
        import matplotlib
    except ImportError:
        return svg(entries, path.with_suffix(".svg"))
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.26 * len(entries)))
    for who, color in COLORS.items():
        places = [(values[who], -i) for i, (_, values) in enumerate(entries) if who in values]
        if places:
            axes.scatter(*zip(*places), color=color, label=LEGEND.get(who, who), s=24)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks([-i for i in range(len(entries))], [title for title, _ in entries], fontsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("time / Skein's time (right of the line: slower than Skein)")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path.with_suffix(".png"), dpi=150)
    return path.with_suffix(".png")


def svg(entries, path):
    left, width, line, top = 270, 560, 17, 40
    values = [v for _, row in entries for v in row.values()] or [1]
    low, high = min(-1, floor(log10(min(values)))), max(1, ceil(log10(max(values))))
    x = lambda value: left + width * (log10(value) - low) / (high - low)
    height = top + line * len(entries) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 30}" height="{height}" font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>']
    for i, (who, color) in enumerate(COLORS.items()):
        out.append(f'<circle cx="{left + 130 * i}" cy="14" r="4" fill="{color}"/><text x="{left + 130 * i + 8}" y="18">{escape(LEGEND.get(who, who))}</text>')
    for power in range(low, high + 1):
        place = x(10.0**power)
        out.append(f'<line x1="{place}" x2="{place}" y1="{top - 10}" y2="{height - 25}" stroke="{"black" if power == 0 else "#ccc"}"/>'
                   f'<text x="{place}" y="{height - 10}" text-anchor="middle">{10.0**power:g}</text>')
    for i, (title, row) in enumerate(entries):
        y = top + line * i + 4
        out.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{escape(title)}</text>')
        out += [f'<circle cx="{x(value):.1f}" cy="{y}" r="4" fill="{COLORS[who]}"/>' for who, value in row.items()]
    out.append(f'<text x="{left}" y="{height - 0}" font-size="9">time / Skein\'s time (right of 1: slower than Skein)</text></svg>')
    path.write_text("\n".join(out))
    return path
