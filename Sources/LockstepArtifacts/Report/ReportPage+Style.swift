extension ReportPage {
    /// The style sheet of every page. Paper is always light.
    static let style = """
        :root { --page: #fff; --text: #1f2328; --muted: #59636e; --line: #d8dee4; --panel: #f6f8fa; --mark: #ddf4e4;
                --heat: 9 105 218; --wrong: #c0392b; }
        @media screen and (prefers-color-scheme: dark) {
          :root { --page: #14181d; --text: #e2e6ea; --muted: #9aa4ae; --line: #333b44; --panel: #1d232a; --mark: #17382a;
                  --heat: 88 166 255; --wrong: #ff8577; }
          svg.chart .c0 { stroke: #4da3e0; } svg.chart .f0 { fill: #4da3e0; }
          svg.chart .c1 { stroke: #ff8a3d; } svg.chart .f1 { fill: #ff8a3d; }
          svg.chart .c2 { stroke: #2cc296; } svg.chart .f2 { fill: #2cc296; }
          svg.chart .c6 { stroke: #f0f0f0; } svg.chart .f6 { fill: #f0f0f0; }
        }
        * { box-sizing: border-box; }
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem;
               color: var(--text); background: var(--page); }
        h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
        h2 { margin: 2.2rem 0 .6rem; font-size: 1.2rem; }
        h3 { margin: 1.2rem 0 .4rem; font-size: 1rem; }
        p { max-width: 46rem; }
        .subtitle, .note { color: var(--muted); margin: .2rem 0 0; overflow-wrap: anywhere; }
        .note { font-size: .9rem; margin: .4rem 0 .7rem; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid var(--line);
                 vertical-align: top; overflow-wrap: break-word; }
        th { color: var(--muted); font-weight: 600; vertical-align: bottom; }
        .n { text-align: right; white-space: nowrap; }
        .marked td { background: var(--mark); }
        pre { background: var(--panel); padding: 1rem; overflow-x: auto; font-size: .85rem; border-radius: 6px; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem;
                 margin: 1.2rem 0; }
        .tile { background: var(--panel); border-radius: 6px; padding: .6rem .9rem; }
        .tile b { display: block; font-size: 1.35rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
        .tile span { color: var(--muted); font-size: .85rem; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
        .charts svg { display: block; width: 100%; max-width: 44rem; }
        svg.chart text { fill: var(--text); } svg.chart text.muted { fill: var(--muted); }
        svg.chart .grid { stroke: var(--line); }
        .confusion td, .confusion th { padding: .25rem .4rem; text-align: right; border: 0; min-width: 2.6rem;
                                       vertical-align: middle; white-space: nowrap; }
        .confusion tbody th { white-space: nowrap; }
        .confusion td { background: rgb(var(--heat) / calc(var(--p) * .75)); }
        .confusion td.recall { background: none; color: var(--muted); padding-left: .8rem; }
        .confusion td.right { background: none; font-weight: 600; box-shadow: inset 0 0 0 1px var(--line); }
        .gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: .9rem; }
        figure { margin: 0; font-size: .85rem; line-height: 1.35; }
        figure img { display: block; width: 100%; aspect-ratio: var(--ratio, 1); image-rendering: pixelated;
                     border: 1px solid var(--line); }
        figcaption { margin-top: .25rem; overflow-wrap: anywhere; }
        figcaption i { color: var(--wrong); font-style: normal; font-weight: 600; }
        .neurons { grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)); }
        .bars { width: 100%; } .bars td { vertical-align: middle; }
        .bar { display: flex; height: 1rem; min-width: 10rem; } .bar span { display: block; height: 100%; }
        .progress { height: .6rem; background: var(--panel); border-radius: 4px; overflow: hidden; margin: .4rem 0 .8rem; }
        .progress span { display: block; height: 100%; background: rgb(var(--heat)); }
        .keys { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: .3rem 0 .7rem; font-size: .9rem; }
        .keys span::before { content: ""; display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem;
                             vertical-align: -.08rem; background: var(--c); }
        @media (max-width: 30rem) {
          body { padding: 1rem .9rem 2rem; } h1 { font-size: 1.4rem; } table { font-size: .9rem; }
          th, td { padding-right: .8rem; } .tiles { grid-template-columns: 1fr 1fr; } .tile b { font-size: 1.1rem; }
          .gallery { grid-template-columns: repeat(auto-fill, minmax(5.2rem, 1fr)); gap: .6rem; }
          .neurons { grid-template-columns: repeat(auto-fill, minmax(3.6rem, 1fr)); }
          .confusion td, .confusion th { min-width: 0; padding: .25rem .3rem; font-size: .8rem; }
          .bar { min-width: 6rem; }
        }
        @media print {
          body { font-size: 10pt; max-width: none; padding: 0; } h2 { break-after: avoid; }
          .scroll { overflow: visible; } th, td { padding-right: .7rem; } pre { white-space: pre-wrap; }
          .charts { grid-template-columns: 1fr 1fr; } .charts svg, figure, tr, .tile { break-inside: avoid; }
          td, .tile, .bar span, .keys span::before { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          details > *:not(summary) { display: block; }
        }
        """
}
