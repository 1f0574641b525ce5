package import Fabric

/// The dates of HTTP header fields (RFC 9110, section 5.6.7), in the one form that servers write:
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
    /// The instant that `text` names; nil for any other form, or an impossible date. The day of the week is not checked.
    package static func parse(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard text.utf8.count == 29, parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT",
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month + 1
        return Timestamp(iso8601: "\(parts[3])-\(number < 10 ? "0" : "")\(number)-\(parts[1])T\(parts[4])Z")
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
