import EventSourcing
import Foundation
import JSON
import Observability
public import ServiceRuntime
public import WireProtocol

/// The output of commands.
public enum Output {
    /// A named value for people. Nil is printed as `-`.
    public typealias Field = (name: String, value: (any CustomStringConvertible)?)
    /// A column of a table: its header, and its cell in a row.
    public typealias Column<Row> = (header: String, cell: (Row) -> any CustomStringConvertible)

    /// Prints a value as JSON, in one line.
    public static func json(_ value: some Encodable) throws {
        print(try JSON.text(value))
    }

    /// Writes a line to standard error.
    public static func printError(_ text: String) {
        FileHandle.standardError.writeIgnoringErrors("\(text)\n")
    }

    /// Prints a table for people. Each column is as wide as its widest cell.
    public static func table(_ headers: [String], _ rows: [[String]]) {
        for line in lines(headers, rows) { print(line) }
    }

    /// Prints things as a table for people, one row each.
    public static func table<Row>(_ things: [Row], _ columns: [Column<Row>]) {
        for line in lines(things, columns) { print(line) }
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
    ) where View.ID == String {
        let hasStopped = views.contains { $0.row == nil }
        table(
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
        let widths = headers.indices.map { column in
            ([headers] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([headers] + rows).map { row in
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

    /// Prints named fields for people, one per line.
    public static func fields(_ fields: [Field]) {
        let width = fields.map(\.name.count).max() ?? 0
        for (name, value) in fields {
            let space = String(repeating: " ", count: width + 2 - name.count)
            print(name + space + (value?.description ?? "-"))
        }
    }

    /// Prints the outcome of a command, as JSON or for people.
    ///
    /// - Parameter outcome: the outcome for people, such as `placed order o1`.
    public static func reply(_ reply: CommandReply, json: Bool, _ outcome: String) throws {
        if json { return try self.json(reply) }
        let (events, position) = (reply.events.joined(separator: ", "), reply.position ?? 0)
        switch reply.result {
        case .appended: print("\(outcome) (\(events), position \(position))")
        case .repeated: print("\(outcome) already (position \(position))")
        case .nothing: print("nothing to do")
        }
    }

    /// Prints a hypothetical answer for people, with the later events that contradict it.
    static func show<State>(
        _ answer: Hypothetical<State>, _ print: (State) throws -> Void
    ) throws {
        let event = answer.without
        Swift.print(
            "HYPOTHETICAL: as if \(event.type) at position \(event.position) had not happened")
        if let state = answer.state { try print(state) }
        if let refusal = answer.refusal { Swift.print(refusal) }
        guard !answer.noLongerAllowed.isEmpty else {
            return Swift.print("every later event of \(event.stream) would still be possible")
        }
        Swift.print("later events that would not be possible:")
        table(
            ["position", "event", "because"],
            answer.noLongerAllowed.map { ["\($0.event.position)", $0.event.type, $0.reason] })
    }
}
