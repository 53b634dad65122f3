import ArgumentParser
import Bytes
import EventSourcing
public import Foundation
import JSON
import Observability
public import ServiceRuntime
public import WireProtocol

/// The output of commands: the only code that writes to standard output.
///
/// Text of others can't control the terminal: characters that would are printed as escapes. Output
/// that can't be written is an error. If the reader has closed the output, as `head` does, the rest
/// is dropped and the command goes on, because it may have more to do than to print.
public enum Output {
    /// A named value for people. Nil is printed as `-`.
    public typealias Field = (name: String, value: (any CustomStringConvertible)?)
    /// A column of a table: its header, and its cell in a row.
    public typealias Column<Row> = (header: String, cell: (Row) -> any CustomStringConvertible)

    // MARK: Bytes

    /// Writes bytes as they are.
    ///
    /// - Throws: `storage` if they can't be written.
    public static func write(_ bytes: some Sequence<UInt8>) throws {
        _ = try wasRead(bytes, .standardOutput)
    }

    /// Writes a part of a long output as it is, to standard output or a file.
    ///
    /// - Throws: `ExitCode.success` if the reader has closed the output, so that a command that
    ///   only prints ends early. `storage` if the bytes can't be written.
    public static func stream(
        _ bytes: some Sequence<UInt8>, to file: FileHandle = .standardOutput
    ) throws {
        guard try wasRead(bytes, file) else { throw ExitCode.success }
    }

    /// Returns the lines of JSON as the terminal may get them. Only a terminal gets escapes,
    /// because events must keep their bytes in files.
    public static func printable(jsonLines: [UInt8]) -> [UInt8] {
        isatty(STDOUT_FILENO) == 1 ? jsonLines.visibleJSON : jsonLines
    }

    /// Writes the bytes. Returns false if the reader has closed the output.
    private static func wasRead(_ bytes: some Sequence<UInt8>, _ file: FileHandle) throws -> Bool {
        do {
            try file.write(contentsOf: Data(bytes))
            return true
        } catch {
            let cause = ((error as? CocoaError)?.underlying ?? error) as NSError
            if cause.domain == NSPOSIXErrorDomain, cause.code == EPIPE { return false }
            let reason = cause.localizedFailureReason ?? cause.localizedDescription
            throw DaybookError(.storage, "can't write the output: \(reason)")
        }
    }

    // MARK: Lines

    /// Prints each text as one line.
    public static func print(_ texts: String...) throws { try print(lines: texts) }

    /// Prints each text as one line.
    public static func print(lines: some Sequence<String>) throws {
        try write(lines.reduce(into: "") { $0 += $1.visible + "\n" }.utf8)
    }

    /// Prints values as one line, with tabs between them.
    public static func print(tabbed values: any CustomStringConvertible...) throws {
        try write((tabbed(values) + "\n").utf8)
    }

    /// Returns values as one line, with tabs between them.
    public static func tabbed(_ values: [any CustomStringConvertible]) -> String {
        values.map(\.description.visible).joined(separator: "\t")
    }

    /// Prints a value as JSON, in one line.
    public static func json(_ value: some Encodable) throws {
        try write(JSON.data(value).visibleJSON + [UInt8(ascii: "\n")])
    }

    /// Writes a line to standard error.
    public static func printError(_ text: String) { writeError("\(text.visible)\n".utf8) }

    /// Writes bytes to standard error as they are. Errors are ignored, because nothing could report
    /// them.
    public static func writeError(_ bytes: some Sequence<UInt8>) {
        FileHandle.standardError.writeIgnoringErrors(Data(bytes))
    }

    // MARK: Tables

    /// Prints a table for people. Each column is as wide as its widest cell.
    public static func table(_ headers: [String], _ rows: [[String]]) throws {
        try print(lines: lines(headers, rows))
    }

    /// Prints things as a table for people, one row each.
    public static func table<Row>(_ things: [Row], _ columns: [Column<Row>]) throws {
        try print(lines: lines(things, columns))
    }

    /// Returns the lines of a table of things, with its headers first.
    public static func lines<Row>(_ things: [Row], _ columns: [Column<Row>]) -> [String] {
        lines(columns.map(\.header), things.map { row in columns.map { $0.cell(row).description } })
    }

    /// Prints a table of entities for people: their ids, and some of their fields. If an entity has
    /// stopped, a last column names the event, and its fields are empty.
    ///
    /// - Parameters:
    ///   - header: the header of the column of ids.
    ///   - fields: the names of the fields to print.
    ///   - headers: the headers that differ from the names of their fields, by name.
    public static func table<View: FieldView & Identifiable>(
        _ views: [Listed<View>], id header: String, _ fields: [String],
        headers: [String: String] = [:]
    ) throws where View.ID == String {
        let hasStopped = views.contains { $0.row == nil }
        try table(
            [header] + fields.map { headers[$0] ?? $0 } + (hasStopped ? ["stopped"] : []),
            views.map { view in
                let values = Dictionary(
                    uniqueKeysWithValues: (view.row?.fields ?? []).map { ($0.name, $0.value) })
                let cells = fields.map { values[$0, default: nil] ?? "-" }
                return [view.id] + cells + (hasStopped ? [view.obstacle ?? ""] : [])
            })
    }

    /// Returns the lines of a table, with its headers first.
    public static func lines(_ headers: [String], _ rows: [[String]]) -> [String] {
        let rows = ([headers] + rows).map { $0.map(\.visible) }
        let widths = headers.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// Prints the events that a read model lacks, if there are any.
    ///
    /// - Parameter program: the name of the program.
    /// - Throws: `unreadable` if there are any.
    static func check(_ degraded: Degradation?, of program: String) throws {
        guard let degraded else { return }
        for line in degraded.lines { printError("\(program): \(line)") }
        throw DaybookError(
            .unreadable, "everything else is rebuilt; \(degraded.summary)")
    }

    /// Writes the marks of an answer to standard error, if there are any.
    ///
    /// - Parameter program: the name of the program.
    static func show(_ marks: AnswerMarks?, of program: String) {
        for line in marks?.lines(of: program) ?? [] { printError("\(program): \(line)") }
    }

    /// Prints named fields for people, one per line.
    public static func fields(_ fields: [Field]) throws {
        let width = fields.map(\.name.count).max() ?? 0
        try print(
            lines: fields.map { name, value in
                let space = String(repeating: " ", count: width + 2 - name.count)
                return name + space + (value?.description ?? "-")
            })
    }

    // MARK: Answers

    /// Prints the outcome of a command, as JSON or for people.
    ///
    /// - Parameter outcome: the outcome for people, such as `placed order o1`.
    public static func reply(_ reply: CommandReply, json: Bool, _ outcome: String) throws {
        if json { return try self.json(reply) }
        let place = (reply.events + ["position \(reply.position ?? 0)"]).joined(separator: ", ")
        switch reply.result {
        case .appended: try print("\(outcome) (\(place))")
        case .repeated: try print("\(outcome) already (\(place))")
        case .nothing: try print("nothing to do")
        }
    }

    /// Prints a hypothetical answer for people, with the later events that contradict it.
    static func show<State>(
        _ answer: Hypothetical<State>, _ showState: (State) throws -> Void
    ) throws {
        let event = answer.without
        try print(
            "HYPOTHETICAL: as if \(event.type) at position \(event.position) had not happened")
        if let state = answer.state { try showState(state) }
        if let refusal = answer.refusal { try print(refusal) }
        guard !answer.noLongerAllowed.isEmpty else {
            return try print("every later event of \(event.stream) would still be possible")
        }
        try print("later events that would not be possible:")
        try table(
            ["position", "event", "because"],
            answer.noLongerAllowed.map { ["\($0.event.position)", $0.event.type, $0.reason] })
    }
}
