// Dash puts React on the page; a second copy would break hooks.
module.exports = window.React;
