/** The style sheet of the drawing, for SVG and HTML, light and dark screens, and paper. */
const LIGHT = `--page:#fff;--card:#fafaf9;--box:#fff;--rule:#dcdcd8;--text:#1f2328;--dim:#636b74;--edge:#a3a9b0;
--nic:#8d959e;--bridge:#7a5fc0;--macvlan:#2f6fb3;--shim:#1a7f6b;--drift:#a8500a;--driftbox:#fff7ee;--planned:#2f6fb3;--hit:#ffe58a`;

const DARK = `--page:#0f1216;--card:#15191f;--box:#1b2027;--rule:#2d333c;--text:#e4e7eb;--dim:#9aa3ad;--edge:#5c6570;
--nic:#8d959e;--bridge:#a995e8;--macvlan:#6ea8e0;--shim:#4fb8a3;--drift:#eda85f;--driftbox:#2b2117;--planned:#6ea8e0;--hit:#6b5a12`;

const MONO = `ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono","Liberation Mono",Consolas,monospace`;

/** The variables, and the styles of the drawing. */
export const STYLE = `:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
@media print{:root{color-scheme:light;${LIGHT}}}
svg text{font:12px ${MONO};fill:var(--text)}
svg .page{fill:var(--page)}
svg .card{fill:var(--card);stroke:var(--rule)}
svg .box{fill:var(--box);stroke:var(--rule)}
svg .stripe{fill:var(--nic)}
svg .bridge .stripe{fill:var(--bridge)}
svg .macvlan .stripe{fill:var(--macvlan)}
svg .shim .stripe{fill:var(--shim)}
svg .drifted .box{fill:var(--driftbox);stroke:var(--drift)}
svg .absent .box{stroke-dasharray:5 4}
svg .absent .stripe,svg .down .stripe{opacity:.4}
svg .down .name{fill:var(--dim)}
svg .edge{fill:none;stroke:var(--edge);stroke-width:1.4}
svg .edge.hairpin{stroke:var(--bridge)}
svg .label{fill:var(--card)}
svg text.host{font:600 15px ${MONO}}
svg text.name{font-size:13px;font-weight:600}
svg text.chip{font-size:10.5px;fill:var(--dim);text-anchor:end}
svg text.count{font-size:11px;fill:var(--dim);text-anchor:end}
svg text.on{font-size:10.5px;fill:var(--bridge);text-anchor:middle}
svg text.dim{fill:var(--dim)}
svg text.drift{fill:var(--drift)}
svg text.planned{fill:var(--planned)}
svg .hit .box{stroke:var(--text);stroke-width:2;fill:var(--hit)}`;

/** The additional styles of the page. */
export const PAGE_STYLE = `*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:14px/1.45 system-ui,sans-serif}
header{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:8px 18px;align-items:center;padding:10px 20px;
background:var(--page);border-bottom:1px solid var(--rule)}
h1{margin:0;font-size:15px;font-weight:600}
header p{margin:0;color:var(--dim)}
header .tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin-left:auto}
input[type=search]{width:16em;max-width:100%;padding:5px 9px}
input,button{font:inherit;color:inherit;background:var(--box);border:1px solid var(--rule);border-radius:6px}
button{padding:4px 10px;cursor:pointer}
label{display:flex;gap:5px;align-items:center}
:is(input,button):focus-visible{outline:2px solid var(--macvlan);outline-offset:1px}
main{columns:calc(var(--column)*var(--zoom,1)*1px);column-gap:22px;padding:20px 20px 0}
section{break-inside:avoid;padding-bottom:22px}
section[hidden]{display:none}
section svg{display:block;width:calc(var(--width)*var(--zoom,1)*1px);max-width:100%;height:auto;overflow:visible}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;padding:0 20px 20px;margin:0;color:var(--dim);list-style:none;font-size:13px}
.legend i{display:inline-block;width:10px;height:10px;margin-right:6px;border-radius:2px;background:var(--of)}
@media print{header .tools{display:none}header{position:static}main{columns:auto}}`;
