/// Checks a condition.
///
/// - Throws: the error of this kind with the message if the condition does not hold.
@inlinable public func require(
    _ holds: Bool, _ kind: DaybookError.Kind, _ message: @autoclosure () -> String
) throws(DaybookError) {
    guard holds else { throw DaybookError(kind, message()) }
}

extension Optional {
    /// Returns the value.
    ///
    /// - Throws: the error of this kind with the message if the value is missing.
    @inlinable public func orThrow(
        _ kind: DaybookError.Kind, _ message: @autoclosure () -> String
    ) throws(DaybookError) -> Wrapped {
        guard let self else { throw DaybookError(kind, message()) }
        return self
    }
}
