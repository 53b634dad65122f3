public import EventSourcing
public import ZeroMQ

extension ZeroMQError: ClassifiedError {
    /// `usage` for a malformed endpoint. Otherwise `unavailable`: it is in use or can't be reached.
    public var kind: DaybookError.Kind {
        let malformed: [ZeroMQError] = [.invalid, .unknownTransport, .otherTransport, .tooLong]
        return malformed.contains { $0 ~= self } ? .usage : .unavailable
    }
}
