import Foundation
import LockstepModel
import LockstepNetwork
import LockstepNumerics

/// A model as one self-contained page: the user draws a digit, and the network reads it.
///
/// The page prepares the drawing like the images of MNIST and computes the network layer by layer.
struct HTMLExport {
    private let model: TrainedModel

    init(_ model: TrainedModel) {
        self.model = model
    }

    func page(path: String) throws(ArtifactError) -> String {
        let inputs = model.network.inputs
        guard inputs == 28 * 28 else {
            throw .malformed(
                path: path, reason: "the page draws pictures of 28 x 28 pixels, the model takes \(inputs) values",
                remedy: "export to another format")
        }
        let outputs = model.network.outputs
        let labels = model.metadata.labels.count == outputs ? model.metadata.labels : (0..<outputs).map(String.init)
        let weights = Data(UnsafeRawBufferPointer(model.parameters.buffer)).base64EncodedString()
        return Self.template
            .replacingOccurrences(of: "%LAYERS%", with: layers)
            .replacingOccurrences(of: "%NAME%", with: model.architecture.summary)
            .replacingOccurrences(of: "%LABELS%", with: "[\(labels.map(Self.javaScript).joined(separator: ", "))]")
            .replacingOccurrences(of: "%OUTPUT%", with: output)
            .replacingOccurrences(of: "%WEIGHTS%", with: weights)
    }

    /// The layers that do something, each a function of its input and its parameters, with the places of these.
    private var layers: String {
        let layers = model.network.exportedLayers.compactMap { layer -> String? in
            guard let function = layer.javaScript else { return nil }
            let constants = function.constants.map { "\($0.name) = \($0.value)" }.joined(separator: ", ")
            let places = (layer.segment.map { model.layout.segments[$0].tensors } ?? []).map {
                "[\($0.range.lowerBound), \($0.range.upperBound)]"
            }
            return """
                {
                    parameters: [\(places.joined(separator: ", "))],
                    run: (() => {
                        \(constants.isEmpty ? "" : "const \(constants);")
                        return (a, p) => {
                \(function.body)
                        };
                    })(),
                }
                """
        }
        return "[\n" + layers.joined(separator: ", ") + "\n]"
    }

    /// The function of JavaScript that makes the outputs of the last layer's weighted inputs.
    private var output: String {
        switch model.architecture.output {
        case .sigmoid: "z => z.map(value => 1 / (1 + Math.exp(-value)))"
        case .linear: "z => z"
        case .softmax:
            "z => { const e = z.map(value => Math.exp(value - Math.max(...z))), sum = e.reduce((a, b) => a + b); "
                + "return e.map(value => value / sum); }"
        }
    }

    /// A text as a string of JavaScript in a page; it cannot end the string or the script.
    private static func javaScript(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar -> String in
            let isPlain = scalar.isASCII && scalar.value >= 0x20 && !"\"\\<>&'".unicodeScalars.contains(scalar)
            return isPlain ? String(scalar) : "\\u{" + String(scalar.value, radix: 16) + "}"
        }
        return "\"" + escaped.joined() + "\""
    }

    private static let template = #"""
        <!DOCTYPE html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Lockstep: draw a digit</title>
        <style>
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 44em; margin: 2em auto; padding: 0 1em; color: #222; }
        main { display: flex; gap: 2em; flex-wrap: wrap; }
        #field { border: 1px solid #888; touch-action: none; cursor: crosshair; background: #fff; }
        #seen { image-rendering: pixelated; border: 1px solid #ccc; width: 84px; height: 84px; }
        #answer { font-size: 5em; line-height: 1; min-height: 1em; }
        .bar { display: grid; grid-template-columns: 2em 12em 4em; gap: .5em; align-items: center; }
        .bar i { display: block; height: .8em; background: #1f5fa8; }
        button { font: inherit; padding: .2em 1em; }
        </style>
        <h1>Draw a digit</h1>
        <p>A %NAME% network, trained by Lockstep, reads it here in your browser; nothing is sent anywhere.</p>
        <main>
        <div><canvas id="field" width="280" height="280"></canvas><p><button id="clear">Clear</button></p></div>
        <div><div id="answer"></div><div id="bars"></div><p>What the network sees:</p><canvas id="seen" width="28" height="28"></canvas></div>
        </main>
        <script>
        "use strict";
        const labels = %LABELS%, output = %OUTPUT%;
        const bytes = Uint8Array.from(atob("%WEIGHTS%"), c => c.charCodeAt(0));
        const view = new DataView(bytes.buffer);
        const parameters = Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));

        const layers = %LAYERS%;
        for (const layer of layers) layer.parameters = layer.parameters.map(([from, to]) => parameters.subarray(from, to));

        // The outputs for the values of a picture, layer by layer.
        function forward(input) {
            return output(layers.reduce((a, layer) => layer.run(a, layer.parameters), input));
        }

        // As MNIST was made: into a box of 20 x 20, then onto 28 x 28 with the centre of mass in the middle.
        function prepare(ink, width, height) {
            let left = width, right = -1, top = height, bottom = -1;
            for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) if (ink[y * width + x] > 0.1) {
                left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
            }
            const sheet = new Float64Array(784);
            if (right < 0) return sheet;
            const w = right - left + 1, h = bottom - top + 1, scale = 20 / Math.max(w, h);
            const sw = Math.max(1, Math.round(w * scale)), sh = Math.max(1, Math.round(h * scale));
            const small = new Float64Array(sw * sh);
            let darkest = 0, mass = 0, mx = 0, my = 0;
            for (let y = 0; y < sh; y++) for (let x = 0; x < sw; x++) {
                const x0 = x * w / sw, x1 = (x + 1) * w / sw, y0 = y * h / sh, y1 = (y + 1) * h / sh;
                let sum = 0;
                for (let v = Math.floor(y0); v < y1; v++) for (let u = Math.floor(x0); u < x1; u++)
                    sum += ink[(top + v) * width + left + u] * (Math.min(x1, u + 1) - Math.max(x0, u)) * (Math.min(y1, v + 1) - Math.max(y0, v));
                small[y * sw + x] = sum / ((x1 - x0) * (y1 - y0));
                darkest = Math.max(darkest, small[y * sw + x]);
            }
            for (let y = 0; y < sh; y++) for (let x = 0; x < sw; x++) {
                const value = small[y * sw + x] /= darkest;
                mass += value; mx += value * (x + 0.5); my += value * (y + 0.5);
            }
            const dx = Math.min(Math.max(0, Math.ceil(14 - mx / mass)), 28 - sw), dy = Math.min(Math.max(0, Math.ceil(14 - my / mass)), 28 - sh);
            for (let y = 0; y < sh; y++) for (let x = 0; x < sw; x++) sheet[(dy + y) * 28 + dx + x] = small[y * sw + x];
            return sheet;
        }

        const field = document.getElementById("field"), pen = field.getContext("2d", { willReadFrequently: true });
        pen.lineWidth = 22; pen.lineCap = pen.lineJoin = "round";
        let last = null;
        function clear() { pen.fillStyle = "#fff"; pen.fillRect(0, 0, 280, 280); show(null); }
        function place(event) { const box = field.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; }
        function draw(event) {
            const next = place(event);
            pen.beginPath(); pen.moveTo(...last); pen.lineTo(...next); pen.stroke();
            last = next; read();
        }
        field.onpointerdown = event => { last = place(event); field.setPointerCapture(event.pointerId); draw(event); };
        field.onpointermove = event => { if (last) draw(event); };
        field.onpointerup = field.onpointercancel = () => { last = null; };
        document.getElementById("clear").onclick = clear;

        function read() {
            const pixels = pen.getImageData(0, 0, 280, 280).data;
            const sheet = prepare(Float64Array.from({ length: 280 * 280 }, (_, i) => 1 - pixels[4 * i] / 255), 280, 280);
            const seen = document.getElementById("seen").getContext("2d"), picture = seen.createImageData(28, 28);
            sheet.forEach((value, i) => picture.data.set([255 * (1 - value), 255 * (1 - value), 255 * (1 - value), 255], 4 * i));
            seen.putImageData(picture, 0, 0);
            show(forward(sheet));
        }
        function show(outputs) {
            let best = 0;
            if (outputs) outputs.forEach((value, i) => { if (value > outputs[best]) best = i; });
            document.getElementById("answer").textContent = outputs ? labels[best] : "";
            document.getElementById("bars").replaceChildren(...labels.map((label, i) => {
                const row = document.createElement("div"), name = document.createElement("span"), bar = document.createElement("i"), number = document.createElement("span");
                row.className = "bar"; name.textContent = label;
                bar.style.width = (outputs ? 100 * outputs[i] : 0) + "%"; number.textContent = outputs ? outputs[i].toFixed(3) : "";
                row.append(name, bar, number);
                return row;
            }));
        }
        clear();
        </script>
        </html>
        """#
}
