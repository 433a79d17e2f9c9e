(function () {
  "use strict";
  var tip = document.getElementById("tip");
  function place(e) {
    var box = tip.getBoundingClientRect();
    var x = e.clientX + 14, y = e.clientY + 14;
    if (x + box.width > innerWidth - 6) x = Math.max(6, e.clientX - box.width - 10);
    if (y + box.height > innerHeight - 6) y = Math.max(6, e.clientY - box.height - 10);
    tip.style.left = x + "px";
    tip.style.top = y + "px";
  }
  function show(e) {
    var text = e.target.getAttribute && e.target.getAttribute("data-tip");
    var row = text && text.charAt(0) === "#" ? document.getElementById(text.slice(1)) : null;
    if (row) text = row.getAttribute("data-tip");
    tip.style.display = text ? "block" : "none";
    if (text) {
      tip.textContent = text;
      place(e);
    }
  }
  document.addEventListener("pointerover", show);
  document.addEventListener("pointermove", function (e) { if (tip.style.display === "block") place(e); });
  document.addEventListener("click", function (e) {
    var cell = e.target.closest && e.target.closest("td.long");
    if (cell) cell.classList.toggle("open");
    var head = e.target.closest && e.target.closest(".sortable th");
    if (head) sort(head);
  });
  function sort(head) {
    var table = head.closest("table"), body = table.tBodies[0], at = head.cellIndex;
    var first = head.classList.contains("num") ? "descending" : "ascending";
    var now = head.getAttribute("aria-sort");
    var next = now ? (now === "ascending" ? "descending" : "ascending") : first;
    Array.prototype.forEach.call(head.parentNode.cells, function (c) { c.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", next);
    var sign = next === "ascending" ? 1 : -1;
    function key(row) {
      var cell = row.cells[at], v = cell.getAttribute("data-v");
      if (head.classList.contains("num")) return v === null ? null : parseFloat(v);
      return cell.textContent;
    }
    var rows = Array.prototype.map.call(body.rows, function (row, i) { return { row: row, key: key(row), i: i }; });
    rows.sort(function (a, b) {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.i - b.i;
      var d = typeof a.key === "number" ? a.key - b.key : a.key.localeCompare(b.key);
      return sign * d || a.i - b.i;
    });
    rows.forEach(function (r) { body.appendChild(r.row); });
  }
})();
