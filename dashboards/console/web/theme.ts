// Runs before anything is drawn, so that the page never flashes in the wrong colours.
const chosen = localStorage.getItem('lakegate.theme');
const dark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
document.documentElement.dataset.theme = dark ? 'dark' : 'light';
