public import Foundation

extension FileHandle {
    /// Writes the data and ignores errors, such as a closed pipe or a full disk. `write(_:)` would
    /// crash the process.
    public func writeIgnoringErrors(_ data: Data) { try? write(contentsOf: data) }

    /// Writes the text as UTF-8 and ignores errors.
    public func writeIgnoringErrors(_ text: String) { writeIgnoringErrors(Data(text.utf8)) }
}
