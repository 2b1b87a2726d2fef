// Draws the data of the page. Texts of the data come into the page as text only, never as HTML.
(function () {
  'use strict';

  const max_marks = 100;      // events that are marked in one chart
  const max_listed = 500;     // events that are listed for one guest
  const colours = ['#3b82f6', '#f59e0b', '#10b981', '#ec4899', '#8b5cf6', '#14b8a6', '#f97316',
    '#84cc16'];               // of nodes in their order, then again
  const errors = [];
  const body = document.body;

  function report(problem) {
    errors.push(String(problem));
    body.dataset.errors = String(errors.length);
    body.dataset.error = errors[0];
  }
  window.addEventListener('error', (event) => report(event.message));
  document.addEventListener('securitypolicyviolation',
    (event) => report('policy: ' + event.violatedDirective));
  body.dataset.errors = '0';

  const data = JSON.parse(document.getElementById('data').textContent);
  const live = new Map();     // charts that are drawn, by their element
  let drawn = 0;              // charts that have been drawn so far
  let range = null;           // time that all charts show; null is all
  let all = [Infinity, -Infinity];

  function element(parent, name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    if (parent) parent.appendChild(made);
    return made;
  }
  function colour(index) {
    return colours[index % colours.length];
  }
  function style(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // ---- times

  function two(number) {
    return String(number).padStart(2, '0');
  }
  // Times of a recording are since its begin.
  function elapsed(ms, seconds) {
    const total = Math.round(ms / 1000);
    const text = Math.floor(total / 3600) + ':' + two(Math.floor(total / 60) % 60);
    return seconds ? text + ':' + two(total % 60) : text;
  }
  function long_time(ms) {
    return data.wallClock ? new Date(ms).toLocaleString() : elapsed(ms, true);
  }
  function short_time(ms) {
    if (!data.wallClock) return elapsed(ms, all[1] - all[0] < 600000);
    const date = new Date(ms);
    return two(date.getHours()) + ':' + two(date.getMinutes());
  }

  // ---- data

  // Rows of dygraphs: the time and the value of each column, by `value`.
  function rows_of(series, columns, value) {
    const rows = new Array(series.times.length);
    let time = 0;
    for (let r = 0; r < rows.length; r++) {
      time += series.times[r];
      const row = [time];
      for (const c of columns) {
        const known = series.columns[c] ? series.columns[c][r] : null;
        row.push(known === null || known === undefined ? null : value(known));
      }
      rows[r] = row;
    }
    return rows;
  }
  function span_of(series) {
    let time = 0;
    series.times.forEach((step, index) => {
      time += step;
      if (index === 0) all[0] = Math.min(all[0], time);
    });
    if (series.times.length > 0) all[1] = Math.max(all[1], time);
  }
  const node_columns = data.nodes.map((_, index) => index);
  const node_labels = data.nodes.map((node) => 'node ' + node);

  function events_by_guest() {
    const sorted = data.guests.map(() => []);
    const host = [];
    for (const event of data.events) (event[2] === null ? host : sorted[event[2]]).push(event);
    return [sorted, host];
  }
  const [guest_events, host_events] = events_by_guest();

  // ---- zoom

  function show_range(next, but) {
    range = next;
    for (const chart of live.values())
      if (chart !== but) chart.updateOptions({dateWindow: range}, false);
  }
  function zoomed(chart) {
    const [from, to] = chart.xAxisRange();
    const [first, last] = chart.xAxisExtremes();
    show_range(from <= first && to >= last ? null : [from, to], chart);
  }
  function zoom_by(chart, factor) {
    const [from, to] = chart.xAxisRange();
    const row = chart.getSelection();
    const middle = row >= 0 ? chart.getValue(row, 0) : (from + to) / 2;
    const half = Math.max((to - from) * factor / 2, 5000);
    if (2 * half >= all[1] - all[0]) show_range(null);
    else show_range([middle - half, middle + half]);
  }

  // ---- charts

  // One finger scrolls the page and reads the chart; two fingers zoom.
  function interaction() {
    const usual = Dygraph.defaultInteractionModel;
    const read = (event, chart) => {
      if (event.touches.length !== 1) return;
      const box = chart.graphDiv.getBoundingClientRect();
      select_near(chart, chart.toDataXCoord(event.touches[0].clientX - box.left));
    };
    return Object.assign({}, usual, {
      touchstart: (event, chart, context) => {
        if (event.touches.length > 1) usual.touchstart(event, chart, context);
        else read(event, chart);
      },
      touchmove: (event, chart, context) => {
        if (event.touches.length > 1) usual.touchmove(event, chart, context);
        else read(event, chart);
      },
      touchend: (event, chart, context) => {
        if (context.initialTouches && event.touches.length === 0) zoomed(chart);
      },
    });
  }
  function select_near(chart, time) {
    let low = 0;
    let high = chart.numRows() - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (chart.getValue(middle, 0) < time) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && time - chart.getValue(low - 1, 0) < chart.getValue(low, 0) - time) low--;
    select(chart, low);
  }
  // dygraphs tells only of what a mouse selects.
  function select(chart, row) {
    chart.setSelection(row);
    const tell = chart.getFunctionOption('highlightCallback');
    const points = chart.getLabels().slice(1).map((name, index) =>
      ({name, yval: chart.getValue(row, index + 1)}));
    tell(null, chart.getValue(row, 0), points.map((point) =>
      point.yval === null ? {name: point.name, yval: NaN} : point));
  }
  function on_key(event, chart) {
    const last = chart.numRows() - 1;
    const steps = {ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20};
    if (event.key in steps) {
      const at = chart.getSelection();
      const next = at < 0 ? last : at + steps[event.key];
      select(chart, Math.min(Math.max(next, 0), last));
    } else if (event.key === 'Home') select(chart, 0);
    else if (event.key === 'End') select(chart, last);
    else if (event.key === '+') zoom_by(chart, 0.5);
    else if (event.key === '-') zoom_by(chart, 2);
    else if (event.key === '0') show_range(null);
    else return;
    event.preventDefault();
  }

  // Stripes of the homes, one for each cell, at the top of the chart.
  function draw_homes(cells, context, area, chart) {
    const height = Math.max(Math.min(7, Math.floor(area.h / 3 / Math.max(cells.length, 1))), 2);
    cells.forEach((cell, index) => {
      cell.homes.forEach(([time, home], at) => {
        if (home === null) return;
        const end = at + 1 < cell.homes.length ? cell.homes[at + 1][0] : all[1];
        const left = Math.max(chart.toDomXCoord(time), area.x);
        const right = Math.min(chart.toDomXCoord(end), area.x + area.w);
        if (right <= left) return;
        context.fillStyle = colour(data.nodes.indexOf(home));
        context.fillRect(left, area.y + index * (height + 1), Math.max(right - left, 1), height);
      });
    });
  }
  // dygraphs ties a mark to a point of a line.
  function marks_of(events, rows, series) {
    const marks = [];
    const used = new Map();
    for (const [time, kind, , text] of events.slice(-max_marks)) {
      let low = 0;
      let high = rows.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (rows[middle][0] < time) low = middle + 1;
        else high = middle;
      }
      while (low > 0 && rows[low][1] === null) low--;
      if (rows.length === 0 || rows[low][1] === null) continue;
      const line = long_time(time) + ' ' + kind + ': ' + text;
      const known = used.get(rows[low][0]);
      if (known) {
        if (known.text.length < 2000) known.text += '\n' + line;
        continue;
      }
      const mark = {series, x: rows[low][0], text: line, width: 9, height: 9, tickHeight: 2,
        attachAtBottom: true, cssClass: 'event', shortText: ''};
      used.set(mark.x, mark);
      marks.push(mark);
    }
    return marks;
  }

  function draw(place, chart) {
    const frame = element(place, 'div');
    const rows = chart.rows();
    if (rows.length === 0) {
      frame.textContent = 'Nothing is known.';
      return;
    }
    const marks = marks_of(chart.events || [], rows, chart.labels[0]);
    const graph = new Dygraph(frame, rows, {
      labels: ['time'].concat(chart.labels),
      colors: chart.labels.map((_, index) => chart.colour || colour(index)),
      stackedGraph: Boolean(chart.stacked), fillGraph: Boolean(chart.stacked), fillAlpha: 0.45,
      strokeWidth: 1.5, legend: 'never', animatedZooms: false, resizable: 'passive',
      dateWindow: range, includeZero: true, valueRange: [0, chart.most || null],
      gridLineColor: style('--line'), axisLineColor: style('--line'), gridLineWidth: 0.5,
      axisLabelFontSize: 12, xAxisHeight: 24, xRangePad: 4, interactionModel: interaction(),
      axes: {
        x: {ticker: Dygraph.dateTicker, axisLabelFormatter: short_time, pixelsPerLabel: 70},
        y: {axisLabelFormatter: (value) => chart.label(value), axisLabelWidth: 56,
          pixelsPerLabel: 28},
      },
      labelsUTC: !data.wallClock,
      underlayCallback: (context, area, on) => draw_homes(chart.cells || [], context, area, on),
      highlightCallback: (event, time, points) => chart.read(time, points),
      unhighlightCallback: () => chart.read(null),
      zoomCallback: () => zoomed(graph),
    });
    if (marks.length > 0)
      graph.ready(() => graph.setAnnotations(marks));
    live.set(place, graph);
    place.dataset.drawn = 'true';
    place.onkeydown = (event) => on_key(event, graph);
    drawn++;
    body.dataset.charts = String(drawn);
  }
  function erase(place) {
    const graph = live.get(place);
    if (graph) graph.destroy();
    live.delete(place);
    place.onkeydown = null;
    place.replaceChildren();
    delete place.dataset.drawn;
  }

  // A chart is drawn while it is in view, or nearly so.
  const charts = new Map();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const place = entry.target;
      try {
        const is_drawn = place.firstChild !== null;
        if (entry.isIntersecting && !is_drawn) draw(place, charts.get(place));
        else if (!entry.isIntersecting && is_drawn) erase(place);
      } catch (error) {
        report(error.message);
      }
    }
  }, {rootMargin: '400px 0px'});

  function add_chart(card, title, className, chart) {
    element(card, 'h3', title);
    const place = element(card, 'div', undefined, 'chart ' + className);
    const name = card.getAttribute('aria-label');
    place.tabIndex = 0;
    place.setAttribute('role', 'application');
    place.setAttribute('aria-roledescription', 'chart');
    place.setAttribute('aria-label', title + (name ? ', ' + name : '') +
      '. Arrow keys read points, plus and minus zoom.');
    const reading = element(card, 'p', '', 'reading');
    reading.setAttribute('aria-live', 'polite');
    chart.read = (time, points) => {
      reading.textContent = time === null ? '' : long_time(time) + ': ' +
        points.map((point) => point.name + ' ' +
          (Number.isFinite(point.yval) ? chart.value(point) : 'unknown')).join(', ') +
        (chart.homes ? chart.homes(time) : '');
    };
    charts.set(place, chart);
    watcher.observe(place);
  }

  // ---- units

  const gib = (mib) => mib / 1024;
  const show_gib = (value) => (Math.round(value * 100) / 100) + ' GiB';
  const show_percent = (value) => Math.round(value * 10) / 10 + ' %';

  // In a stacked chart dygraphs gives the sum as y and the value itself as yval.
  const value_gib = (point) => show_gib(point.yval);
  const value_percent = (point) => show_percent(point.yval);

  // ---- the page

  function add_events(card, events) {
    if (events.length === 0) return;
    const details = element(card, 'details');
    element(details, 'summary', events.length + (events.length === 1 ? ' event' : ' events'));
    details.addEventListener('toggle', () => {
      if (!details.open || details.children.length > 1) return;
      const list = element(details, 'ul', undefined, 'events');
      list.tabIndex = 0;
      for (const [time, kind, , text] of events.slice(-max_listed).reverse()) {
        const item = element(list, 'li');
        element(item, 'time', long_time(time));
        item.appendChild(document.createTextNode(kind + ': ' + text));
      }
      if (events.length > max_listed)
        element(list, 'li', 'Only the last ' + max_listed + ' are listed.');
    });
  }

  function add_host() {
    const host = document.getElementById('host');
    const parts = [
      ['CPU load by node', 'tall', data.load, (value) => value / 10, show_percent, value_percent],
      ['Available memory by node', 'tall', data.available, gib, show_gib, value_gib],
    ];
    for (const [title, size, series, unit, label, value] of parts) {
      const card = element(host, 'div', undefined, 'card');
      add_chart(card, title, size, {
        rows: () => rows_of(series, node_columns, unit), labels: node_labels, label, value});
      if (series === data.load) add_events(card, host_events);
    }
  }

  function homes_at(cells, time) {
    const texts = [];
    for (const cell of cells) {
      let home = null;
      for (const [begin, node] of cell.homes) if (begin <= time) home = node;
      texts.push(cell.label + (home === null ? ' without a home' : ' at home on node ' + home));
    }
    return texts.length > 0 ? '; ' + texts.join(', ') : '';
  }

  function add_guest(parent, guest, index) {
    const card = element(parent, 'article', undefined, 'card');
    card.setAttribute('aria-label', 'guest ' + guest.name);
    element(card, 'h2', guest.name);
    element(card, 'p', guest.uuid, 'uuid');
    add_chart(card, 'Memory by node, and homes', 'tall', {
      rows: () => rows_of(guest.series, node_columns.map((c) => c + 1), gib),
      labels: node_labels, stacked: true, label: show_gib, value: value_gib,
      cells: guest.cells, events: guest_events[index],
      homes: (time) => homes_at(guest.cells, time)});
    add_chart(card, 'Locality', 'low', {
      rows: () => rows_of(guest.series, [0], (value) => value / 10), labels: ['local'], most: 105,
      colour: '#64748b', label: show_percent, value: value_percent});
    add_events(card, guest_events[index]);
    return card;
  }

  function add_filter(cards) {
    const filter = document.getElementById('filter');
    const matches = document.getElementById('matches');
    const apply = () => {
      const wanted = filter.value.trim().toLowerCase();
      let count = 0;
      data.guests.forEach((guest, index) => {
        const matched = guest.name.toLowerCase().includes(wanted) ||
          guest.uuid.toLowerCase().includes(wanted);
        cards[index].hidden = !matched;
        count += matched ? 1 : 0;
      });
      matches.textContent = count + ' of ' + cards.length + ' guests';
    };
    filter.addEventListener('input', apply);
    apply();
  }

  function add_head() {
    document.title = data.title;
    document.getElementById('title').textContent = data.title;
    document.getElementById('span').textContent = all[0] > all[1] ? 'Nothing is known.' :
      data.wallClock ? long_time(all[0]) + ' to ' + long_time(all[1]) :
        elapsed(all[0], true) + ' to ' + elapsed(all[1], true) + ' hours since the recording began';
    const nodes = document.getElementById('nodes');
    data.nodes.forEach((node, index) => {
      const item = element(nodes, 'li');
      element(item, 'span', undefined, 'swatch').style.background = colour(index);
      item.appendChild(document.createTextNode('node ' + node));
    });
    const problems = document.getElementById('problems');
    problems.hidden = data.problems.length === 0;
    for (const problem of data.problems) element(problems, 'li', problem);
    for (const button of document.querySelectorAll('button[data-hours]'))
      button.addEventListener('click', () => {
        const hours = Number(button.dataset.hours);
        show_range(hours === 0 ? null : [Math.max(all[1] - hours * 3600000, all[0]), all[1]]);
      });
  }

  try {
    [data.load, data.available, ...data.guests.map((guest) => guest.series)].forEach(span_of);
    add_head();
    add_host();
    const parent = document.getElementById('guests');
    add_filter(data.guests.map((guest, index) => add_guest(parent, guest, index)));
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      const places = [...live.keys()];
      places.forEach(erase);
      places.forEach((place) => draw(place, charts.get(place)));
    });
    body.dataset.guests = String(data.guests.length);
    body.dataset.charts = String(drawn);
    body.dataset.width = String(document.documentElement.scrollWidth);
    window.plotReady = true;
    body.dataset.plotReady = 'true';
  } catch (error) {
    report(error.message);
  }
})();
