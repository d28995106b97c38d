const dialog = document.getElementById("zoom");
for (const image of document.querySelectorAll("img.zoom")) {
  image.addEventListener("click", () => {
    dialog.firstElementChild.src = image.src;
    dialog.showModal();
  });
}
dialog.addEventListener("click", () => dialog.close());
