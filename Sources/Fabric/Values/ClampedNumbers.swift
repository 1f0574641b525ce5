extension BinaryInteger where Self: FixedWidthInteger {
    /// `number` without its fraction, or the nearest number of this type: the largest, the smallest, and 0 for what is
    /// not a number. What comes from elsewhere may be any of them.
    package init(clamping number: Double) {
        if number.isNaN {
            self = 0
        } else {
            self = Self(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
        }
    }

    /// The product, or the nearest number of this type.
    package func multipliedClamping(by other: Self) -> Self {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// The sum, or the nearest number of this type.
    package func addingClamping(_ other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
