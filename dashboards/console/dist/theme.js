// web/theme.ts
var chosen = localStorage.getItem("lakegate.theme");
var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = dark ? "dark" : "light";
