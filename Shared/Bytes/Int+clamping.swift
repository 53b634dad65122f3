extension Int {
    /// Converts the number, without its fraction, to the nearest integer in range. 0 for NaN.
    ///
    /// The conversion must not trap, because figures from a server may be of any size.
    public init(clamping number: Double) {
        let outside = number > 0 ? Int.max : number < 0 ? .min : 0
        self = Int(exactly: number.rounded(.towardZero)) ?? outside
    }
}
