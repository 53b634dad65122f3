import Bytes
import Foundation
import Testing

@Suite struct `Visible text` {
    /// Characters that control a terminal or the direction of text.
    private static let controls: [Unicode.Scalar] =
        [0x00...0x1F, 0x7F...0x9F, 0x061C...0x061C, 0x200E...0x200F, 0x2028...0x202E]
        .flatMap { $0.compactMap { Unicode.Scalar($0 as Int) } }
        + (0x2066...0x2069).compactMap { Unicode.Scalar($0 as Int) }

    @Test func `Controls become escapes and other text stays as it is`() {
        #expect("\u{1B}[31mX\nY\r\n\tZ".visible == "\\u{1B}[31mX\\nY\\r\\n\\tZ")
        #expect(
            "a\u{7F}\u{9B}\u{202E}b\u{2066}\u{061C}".visible
                == "a\\u{7F}\\u{9B}\\u{202E}b\\u{2066}\\u{61C}")
        #expect("line\u{2028}break\u{85}".visible == "line\\u{2028}break\\u{85}")
        for text in ["", "plain", "é × 日本語 👩‍👧 עברית", "back\\slash \"quote\""] {
            #expect(text.isVisible && text.visible == text)
        }
    }

    @Test func `Every control is escaped, and an escaped text needs no further escape`() {
        for control in Self.controls {
            let text = "é\(control)z"
            #expect(!text.isVisible, "\(control.value)")
            #expect(text.visible.isVisible && text.visible.visible == text.visible)
            #expect(text.visible.hasPrefix("é\\") && text.visible.hasSuffix("z"))
        }
    }

    @Test func `JSON with escaped controls has the same values`() throws {
        for control in Self.controls {
            let value = ["k\(control)é": ["v\(control)", "👩‍👧"]]
            let json = try JSONEncoder().encode(value)
            let visible = String(decoding: json.visibleJSON, as: UTF8.self)
            #expect(visible.isVisible, "\(control.value)")
            #expect(
                try JSONDecoder().decode([String: [String]].self, from: Data(visible.utf8)) == value
            )
        }
        let lines = Array("{\"a\":1}\n{\"b\":\"é\u{9B}\"}\n".utf8)
        #expect(
            String(decoding: lines.visibleJSON, as: UTF8.self)
                == "{\"a\":1}\n{\"b\":\"é\\u009b\"}\n")
    }
}
