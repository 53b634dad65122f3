import CloudEvents
import EventSourcing
import Foundation

/// The lines of a file one by one; no more of it is in memory than a line and a block.
struct LineReader {
    /// No line is longer: more than the largest record takes, with every byte of it escaped.
    static let maximumBytes = 8 << 20
    private static let block = 1 << 16

    private let file: FileHandle
    private var buffer: ArraySlice<UInt8> = []
    private var isAtEnd = false
    /// The number of the line that was read last, from 1.
    private(set) var line = 0
    /// How many bytes the lines read until now have.
    private(set) var bytesRead = 0

    init(_ file: FileHandle) { self.file = file }

    /// The next line without its end, or nil behind the last one.
    mutating func next() throws -> ArraySlice<UInt8>? {
        var searched = buffer.startIndex
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer = buffer[(end + 1)...] }
                return took(buffer[..<end], ending: 1)
            }
            guard !isAtEnd else {
                guard !buffer.isEmpty else { return nil }
                defer { buffer = [] }
                return took(buffer, ending: 0)
            }
            guard buffer.count <= Self.maximumBytes else {
                line += 1
                throw DaybookError(.invalid, "it is over \(Self.maximumBytes) bytes")
            }
            let read = buffer.count
            buffer = ArraySlice(Array(buffer) + (try block()))
            searched = buffer.startIndex + read
        }
    }

    private mutating func took(_ text: ArraySlice<UInt8>, ending: Int) -> ArraySlice<UInt8> {
        line += 1
        bytesRead += text.count + ending
        return text
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
