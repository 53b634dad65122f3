import EventSourcing
import Foundation

/// Reads the lines of a file one by one, with at most one line and one block in memory.
///
/// It skips blank lines, and the byte order mark that some editors put at the start of a file.
struct LineReader {
    /// The longest line, in bytes. The largest record fits, even with every byte escaped.
    static let maximumBytes = 8 << 20
    private static let block = 1 << 16

    private let file: FileHandle
    private var buffer: ArraySlice<UInt8> = []
    private var isAtEnd = false
    /// The number of the last line that was read, from 1.
    private(set) var line = 0
    /// The size of the lines read so far with their ends, in bytes.
    private(set) var bytesRead = 0

    init(_ file: FileHandle) { self.file = file }

    /// Returns the next line that is not blank, without its end, or nil after the last one.
    ///
    /// - Throws: `invalid` if the line is too long, `storage` if the file can't be read.
    mutating func next() throws -> ArraySlice<UInt8>? {
        while var text = try nextLine() {
            if line == 1, text.starts(with: Self.byteOrderMark) { text = text.dropFirst(3) }
            if !text.allSatisfy(Self.isSpace) { return text }
        }
        return nil
    }

    /// U+FEFF in UTF-8.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Whether JSON allows the byte around a value.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    private mutating func nextLine() throws -> ArraySlice<UInt8>? {
        var searched = buffer.startIndex
        while true {
            let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n"))
            if newline != nil || isAtEnd && !buffer.isEmpty {
                let text = buffer[..<(newline ?? buffer.endIndex)]
                let after = buffer[text.endIndex...].dropFirst()
                line += 1
                bytesRead += buffer.count - after.count
                buffer = after
                return text
            }
            guard !isAtEnd else { return nil }
            guard buffer.count <= Self.maximumBytes else {
                line += 1
                throw DaybookError(.invalid, "it is longer than \(Self.maximumBytes) bytes")
            }
            let read = buffer.count
            buffer = ArraySlice(Array(buffer) + (try block()))
            searched = buffer.startIndex + read
        }
    }

    private mutating func block() throws -> Data {
        do {
            let data = try file.read(upToCount: Self.block) ?? Data()
            isAtEnd = data.isEmpty
            return data
        } catch {
            throw DaybookError(.storage, "the file can't be read: \(error.localizedDescription)")
        }
    }
}
