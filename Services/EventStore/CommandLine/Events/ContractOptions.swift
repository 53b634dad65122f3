import ArgumentParser
import Contracts
import EventSourcing

/// The option of commands that check events against the suite's contracts.
struct ContractOptions: ParsableArguments {
    @Flag(
        help: """
            Do not check events of the suite's categories against their contracts \
            (docs/events.md).
            """)
    var unchecked = false

    /// Checks an event, unless the option is given.
    ///
    /// - Throws: `invalid` if its category has a contract that the event does not follow.
    func check(type: String, data: [UInt8], in stream: StreamName) throws {
        guard !unchecked else { return }
        do throws(DaybookError) {
            try Contract.check(type: type, data: data[...], in: stream)
        } catch {
            throw DaybookError(
                error.kind,
                "\(error); services can't use such an event; --unchecked leaves the check out")
        }
    }

    /// Checks an event that is to be appended.
    func check(_ event: NewEvent) throws {
        try check(type: event.type, data: event.data, in: event.stream)
    }
}
