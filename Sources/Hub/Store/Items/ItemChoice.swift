/// Which of the items that were found go into one answer.
enum ItemChoice {
    /// The numbers of the first rows (number, size) that are no more than `limit`, and that together hold no more than
    /// `bytes`; always one.
    static func choose(_ rows: [SQLRow], limit: Int, bytes: Int64) -> [Int64] {
        var chosen: [Int64] = []
        var total: Int64 = 0
        for row in rows.prefix(max(1, limit)) {
            total += row.integer(1)
            if total > bytes, !chosen.isEmpty { break }
            chosen.append(row.integer(0))
        }
        return chosen
    }

    /// `(?, ?, …)` for so many values.
    static func places(_ count: Int) -> String {
        "(" + repeatElement("?", count: count).joined(separator: ", ") + ")"
    }
}
