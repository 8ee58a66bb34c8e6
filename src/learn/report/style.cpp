#include "learn/report/style.hpp"

namespace fovea {

// Colours of series: told apart by people who cannot see red or green (after Okabe and Ito
// 2008), darkened for white paper and lightened for the dark page until each has a contrast of
// 3 or more.
std::string_view page_style() {
  return R"css(
:root{color-scheme:light;--paper:#fff;--ground:#f4f6f8;--ink:#17212b;--soft:#586675;--line:#d9dfe5;--grid:#e6eaee;
--accent:#0b62a8;--c0:#0b62a8;--c1:#c65102;--c2:#00806a;--c3:#a6428c;--c4:#8a6d00;--c5:#2a8fc9;--c6:#b3261e;--c7:#5d6773;
--good:#19703b;--warning:#8f5b00;--fault:#b3261e;--good-g:#e8f5ec;--warning-g:#fdf3dd;--fault-g:#fdebea;--info-g:#e8f1fa}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;--paper:#161c23;--ground:#0e1318;--ink:#e7edf3;--soft:#9fadbb;--line:#2d3843;--grid:#25303a;
--accent:#6cb4f5;--c0:#6cb4f5;--c1:#ff9d5c;--c2:#3ecfb0;--c3:#e08fce;--c4:#e3c34a;--c5:#9bd7ff;--c6:#ff8a80;--c7:#aab6c2;
--good:#7fd7a0;--warning:#f1c668;--fault:#ff9a92;--good-g:#15291d;--warning-g:#2c2413;--fault-g:#331b1a;--info-g:#142638}}
:root[data-theme=dark]{color-scheme:dark;--paper:#161c23;--ground:#0e1318;--ink:#e7edf3;--soft:#9fadbb;--line:#2d3843;--grid:#25303a;
--accent:#6cb4f5;--c0:#6cb4f5;--c1:#ff9d5c;--c2:#3ecfb0;--c3:#e08fce;--c4:#e3c34a;--c5:#9bd7ff;--c6:#ff8a80;--c7:#aab6c2;
--good:#7fd7a0;--warning:#f1c668;--fault:#ff9a92;--good-g:#15291d;--warning-g:#2c2413;--fault-g:#331b1a;--info-g:#142638}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans",sans-serif}
.page{max-width:1240px;margin:0 auto;padding:1.5rem 1.5rem 4rem;display:grid;grid-template-columns:210px minmax(0,1fr);column-gap:2.5rem}
header{grid-column:1/-1;display:flex;align-items:flex-start;justify-content:space-between;gap:1rem;margin-bottom:1.25rem}
h1{font-size:1.75rem;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
.subtitle{margin:.35rem 0 0;color:var(--soft);overflow-wrap:anywhere}
h2{font-size:1.25rem;line-height:1.3;margin:0 0 .35rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.25rem 0 .4rem}
p{margin:.5rem 0}
a{color:var(--accent)}
button{font:inherit;font-size:.85rem;color:var(--ink);background:var(--paper);border:1px solid var(--line);border-radius:999px;padding:.35rem .9rem;cursor:pointer;white-space:nowrap}
button:hover{border-color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.facts{grid-column:1/-1;display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:.7rem;margin:0 0 1.75rem}
.facts>div{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:.7rem .85rem;display:flex;flex-direction:column;justify-content:space-between}
.facts dt{font-size:.8rem;color:var(--soft)}
.facts small{display:block;font-size:.8rem;font-weight:400;color:var(--soft)}
.facts dd{margin:.15rem 0 0;font-size:1.25rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
nav{font-size:.9rem}
nav ol{position:sticky;top:1.25rem;list-style:none;margin:0;padding:0;border-left:2px solid var(--line);max-height:calc(100vh - 2.5rem);overflow:auto}
nav a{display:block;padding:.28rem .9rem;margin-left:-2px;border-left:2px solid transparent;color:var(--soft);text-decoration:none;overflow-wrap:anywhere}
nav a:hover{color:var(--ink)}
nav a.here{color:var(--accent);border-color:var(--accent);font-weight:600}
main{min-width:0}
section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:1.25rem 1.5rem 1.5rem;margin:0 0 1.25rem}
.lead{color:var(--soft);margin:0 0 1rem;max-width:75ch}
.scroll{overflow-x:auto;margin:.75rem 0}
table{width:auto;border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .85rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;max-width:52ch}
th{font-weight:600;color:var(--soft);white-space:nowrap;border-bottom-width:2px}
th:first-child,td:first-child{padding-left:.25rem}
.num{text-align:right;white-space:pre}
#how td{overflow-wrap:anywhere}
tbody tr:hover{background:var(--ground)}
.beside{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));gap:1.25rem;align-items:start}
.chart{margin:.5rem 0}
.chart svg{display:block;width:100%;height:auto;overflow:visible}
.chart .plot{overflow:hidden}
.chart text{font-size:11.5px;fill:var(--soft);font-variant-numeric:tabular-nums}
.chart text.name{font-size:12px;fill:var(--ink)}
.chart .grid{stroke:var(--grid);stroke-width:1}
.chart .axis{stroke:var(--soft);stroke-width:1}
.chart .diagonal{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 4;opacity:.7}
.chart .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.chart .line.dashed{stroke-dasharray:6 5}
.chart circle{fill:transparent;stroke:transparent;stroke-width:8}
.chart circle.dot{fill:currentColor}
.chart circle.on{fill:currentColor;stroke:currentColor;stroke-opacity:.3}
.chart .bar{fill:var(--c0)}
.chart .bar.on{fill:var(--c5)}
.chart .cell{fill:color-mix(in oklab,var(--c0) calc(var(--share)*100%),var(--paper));stroke:var(--line);stroke-width:1}
.chart .cell.on{stroke:var(--c1);stroke-width:2}
.chart text.count{font-size:14px;font-weight:600;fill:var(--ink);pointer-events:none}
.chart text.small{font-size:11px;font-weight:400}
.chart text.over{fill:var(--paper)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.85rem;color:var(--soft);padding-left:3.5rem;margin-top:.4rem}
.legend span{display:inline-flex;align-items:center;gap:.45rem;overflow-wrap:anywhere}
.legend i{flex:none;width:22px;border-top:3px solid currentColor;border-radius:2px}
.legend i.dashed{border-top-style:dashed}
.legend i.dots{width:9px;height:9px;border:0;border-radius:50%;background:currentColor}
.legend.pictured{padding:.45rem .75rem;background:#0e1318;color:#e7edf3;border-radius:6px;width:fit-content}
.empty{color:var(--soft);font-style:italic}
.gallery{display:flex;flex-wrap:wrap;gap:.9rem;margin:.75rem 0}
.gallery.group{gap:.5rem;margin:0}
.gallery figure{margin:0;position:relative}
.gallery img{display:block;width:100%;height:auto;border-radius:6px;background:#000}
.gallery img.tiny{image-rendering:pixelated}
.gallery figcaption{font-size:.78rem;line-height:1.35;color:var(--soft);margin-top:.3rem;overflow-wrap:anywhere}
.badge{position:absolute;top:5px;left:5px;max-width:calc(100% - 10px);background:#b3261e;color:#fff;font-size:.7rem;font-weight:600;line-height:1.3;padding:.1rem .45rem;border-radius:999px;overflow-wrap:anywhere}
.badge.best{background:#19703b}.badge.middle{background:#4a5663}
.note{border-left:4px solid var(--accent);background:var(--info-g);border-radius:0 8px 8px 0;padding:.6rem .9rem;margin:.75rem 0;white-space:pre-line;overflow-wrap:anywhere}
.note b{margin-right:.4rem}
.note.good{border-color:var(--good);background:var(--good-g)}.note.good b{color:var(--good)}
.note.warning{border-color:var(--warning);background:var(--warning-g)}.note.warning b{color:var(--warning)}
.note.fault{border-color:var(--fault);background:var(--fault-g)}.note.fault b{color:var(--fault)}
.note.info b{color:var(--accent)}
details{margin:.75rem 0;border:1px solid var(--line);border-radius:8px;padding:0 1rem}
summary{cursor:pointer;padding:.6rem 0;font-weight:600}
details[open]{padding-bottom:.75rem}
pre{overflow-x:auto;background:var(--ground);border:1px solid var(--line);border-radius:8px;padding:.75rem 1rem;font:.82rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
#tip{position:fixed;z-index:9;pointer-events:none;max-width:280px;background:var(--ink);color:var(--paper);font-size:.8rem;line-height:1.4;padding:.35rem .6rem;border-radius:6px;white-space:pre-line;overflow-wrap:anywhere;visibility:hidden;left:0;top:0}
@media screen and (max-width:860px){
.page{display:block;padding:1rem .75rem 3rem}
h1{font-size:1.4rem}
nav{margin:0 0 1rem}
nav ol{position:static;display:flex;gap:.25rem;border:0;overflow-x:auto;max-height:none;padding-bottom:.35rem}
nav a{white-space:nowrap;margin:0;border:1px solid var(--line);border-radius:999px;background:var(--paper);padding:.25rem .8rem}
.facts{grid-template-columns:repeat(2,minmax(0,1fr));gap:.5rem}
.facts dd{font-size:1.05rem}
section{padding:1rem;border-radius:10px}
.chart text,.chart text.small{font-size:14.5px}
.chart text.name{font-size:15px}
.legend{padding-left:.5rem}
}
@media print{
:root,:root[data-theme=dark]{color-scheme:light;--paper:#fff;--ground:#fff;--ink:#000;--soft:#444;--line:#bbb;--grid:#ddd;--accent:#0b62a8;
--c0:#0b62a8;--c1:#c65102;--c2:#00806a;--c3:#a6428c;--c4:#8a6d00;--c5:#2a8fc9;--c6:#b3261e;--c7:#5d6773;
--good:#19703b;--warning:#8f5b00;--fault:#b3261e;--good-g:#fff;--warning-g:#fff;--fault-g:#fff;--info-g:#fff}
@page{margin:16mm 14mm}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{font-size:10.5pt}
.page{display:block;max-width:none;padding:0 1px}
button,nav,#tip{display:none}
section{border:0;border-top:1px solid var(--line);border-radius:0;padding:.8rem 0 0;margin:0 0 .8rem}
.facts{grid-template-columns:repeat(4,1fr)}
.chart,.gallery figure,.facts>div,.note,tr,.beside>div{break-inside:avoid}
h2,h3,.lead{break-after:avoid}
.beside{grid-template-columns:1fr 1fr}
.scroll,pre{overflow:visible}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
}
)css";
}

std::string_view page_script() {
  return R"js(
(function () {
  'use strict';
  var root = document.documentElement, key = 'fovea-theme';
  var night = window.matchMedia('(prefers-color-scheme: dark)');
  var button = document.getElementById('theme');
  function dark() { return root.dataset.theme ? root.dataset.theme === 'dark' : night.matches; }
  function named() { button.textContent = dark() ? 'Light' : 'Dark'; }
  try { var kept = localStorage.getItem(key); if (kept === 'dark' || kept === 'light') root.dataset.theme = kept; } catch (e) {}
  button.hidden = false;
  button.addEventListener('click', function () {
    root.dataset.theme = dark() ? 'light' : 'dark';
    try { localStorage.setItem(key, root.dataset.theme); } catch (e) {}
    named();
  });
  night.addEventListener('change', named);
  named();

  var tip = document.getElementById('tip'), on = null;
  function hide() { if (on) on.classList.remove('on'); on = null; tip.style.visibility = 'hidden'; }
  function show(hit) {
    if (on === hit) return;
    hide();
    on = hit;
    hit.classList.add('on');
    tip.textContent = hit.says;
    var box = hit.getBoundingClientRect(), size = tip.getBoundingClientRect();
    var x = Math.min(Math.max(4, box.left + box.width / 2 - size.width / 2), innerWidth - size.width - 4);
    var y = box.top - size.height - 6;
    tip.style.left = x + 'px';
    tip.style.top = (y < 4 ? box.bottom + 6 : y) + 'px';
    tip.style.visibility = 'visible';
  }
  document.querySelectorAll('.chart > svg').forEach(function (chart) {
    var hits = Array.prototype.slice.call(chart.querySelectorAll('.hit')), at = -1;
    hits.forEach(function (hit) {
      // The browser's own slow tip would stand beside ours.
      var title = hit.querySelector('title');
      hit.says = title ? title.textContent : '';
      if (title) title.remove();
    });
    function nearest(event) {
      var under = event.target.closest('.hit');
      if (under && under.tagName !== 'circle') return under;
      var layer = chart.querySelector('.hits'), frame = layer && layer.getScreenCTM(), best = null, least = 32;
      if (!frame) return null;
      hits.forEach(function (hit) {
        var x = frame.a * hit.cx.baseVal.value + frame.e - event.clientX;
        var y = frame.d * hit.cy.baseVal.value + frame.f - event.clientY;
        var far = Math.hypot(x, y);
        if (far < least) { least = far; best = hit; }
      });
      return best;
    }
    function look(event) { var hit = nearest(event); if (hit) show(hit); else hide(); }
    chart.addEventListener('pointermove', look);
    chart.addEventListener('pointerdown', look);
    chart.addEventListener('pointerleave', hide);
    chart.addEventListener('blur', hide);
    chart.addEventListener('keydown', function (event) {
      var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === 'Escape') hide();
      if (!step || !hits.length) return;
      event.preventDefault();
      at = Math.min(Math.max(0, at + step), hits.length - 1);
      show(hits[at]);
    });
  });
  addEventListener('scroll', hide, { passive: true });

  var links = Array.prototype.slice.call(document.querySelectorAll('nav a'));
  var parts = links.map(function (link) { return document.getElementById(link.hash.slice(1)); });
  function mark() {
    var here = 0;
    parts.forEach(function (part, i) { if (part && part.getBoundingClientRect().top < innerHeight * 0.3) here = i; });
    links.forEach(function (link, i) { link.classList.toggle('here', i === here); });
  }
  addEventListener('scroll', mark, { passive: true });
  mark();

  var opened = [];
  addEventListener('beforeprint', function () {
    opened = Array.prototype.slice.call(document.querySelectorAll('details:not([open])'));
    opened.forEach(function (part) { part.open = true; });
  });
  addEventListener('afterprint', function () { opened.forEach(function (part) { part.open = false; }); });
})();
)js";
}

}  // namespace fovea
