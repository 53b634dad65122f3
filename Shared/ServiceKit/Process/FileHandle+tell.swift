public import Foundation

extension FileHandle {
    /// Writes for whoever reads it. If nobody does, or the disk is full, nobody is told;
    /// `write(_:)` would end the process.
    public func tell(_ data: Data) { try? write(contentsOf: data) }

    public func tell(_ text: String) { tell(Data(text.utf8)) }
}
