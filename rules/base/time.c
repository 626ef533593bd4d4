/*
** time.c -- instants as text: the profile of ISO 8601 that RFC 3339 fixes, and
** the bare date, which means its first second in UTC.
**
** Knows no local time. A date-time without an offset is refused: it does not
** say which instant it means; so are leap seconds, which POSIX time cannot hold.
*/
#include <stdio.h>
#include "base.h"

#define DAY  86400

/* days since 1970-01-01 of a day of the proleptic Gregorian calendar */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d) {
  y -= m <= 2;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int *y, int *m, int *d) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t doe = days - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  *d = (int) (doy - (153 * mp + 2) / 5 + 1);
  *m = (int) (mp < 10 ? mp + 3 : mp - 9);
  *y = (int) (yoe + era * 400 + (*m <= 2));
}

/* takes exactly n digits with a value of low..high */
static bool take_number(in_span_t *s, unsigned n, int low, int high, int *value) {
  if (s->n < n) return false;
  int v = 0;
  for (unsigned i = 0; i < n; i++) {
    char c = s->p[i];
    if (c < '0' || c > '9') return false;
    v = v * 10 + (c - '0');
  }
  *s = in_span(s->p + n, s->n - n);
  *value = v;
  return v >= low && v <= high;
}

static bool take_char(in_span_t *s, char c) {
  if (s->n == 0 || in_lower(*s->p) != c) return false;
  *s = in_span(s->p + 1, s->n - 1);
  return true;
}

static int month_days(int y, int m) {
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
  return m == 2 && leap ? 29 : days[m - 1];
}

static bool take_date(in_span_t *s, int64_t *days) {
  int y, m, d;
  if (!take_number(s, 4, 0, 9999, &y) || !take_char(s, '-')
      || !take_number(s, 2, 1, 12, &m) || !take_char(s, '-')
      || !take_number(s, 2, 1, month_days(y, m), &d))
    return false;
  *days = days_from_civil(y, m, d);
  return true;
}

/* a fraction of any length is cut off: seconds are all that rules ask for */
static bool take_clock(in_span_t *s, int64_t *seconds) {
  int h, m, sec, digit;
  if (!take_number(s, 2, 0, 23, &h) || !take_char(s, ':')
      || !take_number(s, 2, 0, 59, &m) || !take_char(s, ':')
      || !take_number(s, 2, 0, 59, &sec))
    return false;
  if (take_char(s, '.')) {
    if (!take_number(s, 1, 0, 9, &digit)) return false;
    while (take_number(s, 1, 0, 9, &digit)) { /* skip */ }
  }
  *seconds = h * 3600 + m * 60 + sec;
  return true;
}

static bool take_offset(in_span_t *s, int64_t *seconds) {
  int h, m, sign;
  *seconds = 0;
  if (take_char(s, 'z')) return true;
  if (take_char(s, '+'))
    sign = 1;
  else if (take_char(s, '-'))
    sign = -1;
  else
    return false;
  if (!take_number(s, 2, 0, 23, &h) || !take_char(s, ':') || !take_number(s, 2, 0, 59, &m))
    return false;
  *seconds = (int64_t) sign * (h * 3600 + m * 60);
  return true;
}

bool in_time_parse(in_span_t s, int64_t *seconds) {
  int64_t days, clock = 0, offset = 0;
  if (!take_date(&s, &days)) return false;
  if (s.n > 0
      && (!take_char(&s, 't') || !take_clock(&s, &clock) || !take_offset(&s, &offset)))
    return false;
  if (s.n > 0) return false;
  *seconds = days * DAY + clock - offset;
  return true;
}

/* years 0000 to 9999; what lies outside is written as the nearest that is in */
void in_time_format(int64_t seconds, char out[24]) {
  int64_t first = days_from_civil(0, 1, 1) * DAY;
  int64_t last = days_from_civil(10000, 1, 1) * DAY - 1;
  if (seconds < first) seconds = first;
  if (seconds > last) seconds = last;
  int64_t days = seconds / DAY, rest = seconds % DAY;
  if (rest < 0) {
    rest += DAY;
    days--;
  }
  int y, m, d;
  civil_from_days(days, &y, &m, &d);
  unsigned clock = (unsigned) rest;
  snprintf(out, 24, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned) y % 10000, (unsigned) m % 100,
           (unsigned) d % 100, clock / 3600 % 100, clock / 60 % 60, clock % 60);
}
