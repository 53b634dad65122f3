extension RandomAccessCollection {
    /// Returns the first index whose element has the property, by binary search. All later elements
    /// must have it, too.
    @inlinable public func partitioningIndex(_ hasProperty: (Element) -> Bool) -> Index {
        var (low, count) = (startIndex, count)
        while count > 0 {
            let half = count / 2
            let middle = index(low, offsetBy: half)
            if hasProperty(self[middle]) {
                count = half
            } else {
                low = index(after: middle)
                count -= half + 1
            }
        }
        return low
    }
}
